"""Implements `showup simulate`: a population that books, reschedules, cancels and misses meetings, sent over HTTP."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from showup.cli.errors import CliError
from showup.cli.runner import run_command

if TYPE_CHECKING:
    from showup.container import Container
    from showup.simulation.preparation import PreparedWorkspace
    from showup.simulation.run import CheckResult
    from showup.simulation.sender import SendSummary
    from showup.simulation.wire import TargetEndpoint
    from showup.simulation.world import World

Secret = Annotated[str | None, typer.Option(help="The account's webhook secret, or - for stdin. See above.")]
SecretFile = Annotated[Path | None, typer.Option(help="A file with the account's webhook secret.")]
Account = Annotated[str | None, typer.Option(help="The account to send as. Default: `default`.")]
Rate = Annotated[float, typer.Option(min=0, help="Webhooks per second; 0 for as fast as possible.")]
Count = Annotated[int, typer.Option(min=1, help="The minimum number of webhooks; every booking is completed.")]
Chaos = Annotated[bool, typer.Option("--chaos", help="Send some webhooks twice, late or out of order.")]
Check = Annotated[bool, typer.Option("--check", help="Compare the API's data with the simulation afterwards.")]
Wait = Annotated[float, typer.Option(min=0, help="How many seconds --check waits for Showup to catch up.")]
Key = Annotated[str | None, typer.Option(help="An API key with write scope, or - for stdin; for --check.")]
KeyFile = Annotated[Path | None, typer.Option(help="A file with the API key.")]


@dataclass(frozen=True, slots=True)
class SimulationOptions:
    """Options of a run: how to send the webhooks, and whether to compare the result."""

    url: str
    rate: float
    chaos: bool
    check: bool
    wait: float


def simulate(  # noqa: PLR0913, PLR0917 - each option of a command is an argument of its function
    url: Annotated[str | None, typer.Option(help="The URL to send to. Default: this machine's Showup.")] = None,
    secret: Secret = None,
    secret_file: SecretFile = None,
    account: Account = None,
    rate: Rate = 50,
    count: Count = 500,
    seed: Annotated[int, typer.Option(help="The random seed. Another seed gives other bookings.")] = 1,
    chaos: Chaos = False,
    check: Check = False,
    wait: Wait = 60,
    key: Key = None,
    key_file: KeyFile = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Remove what earlier runs left in this database.")] = False,
    workspace: Annotated[str | None, typer.Option(help="With --remove: only this workspace. Default: all.")] = None,
    yes_really: Annotated[bool, typer.Option("--yes-really", help="Confirm sending to another machine.")] = False,
) -> None:
    """Send signed, realistic webhooks that are marked as simulated: they move deals, and no destination is notified.

    Without --secret, the target is this machine's Showup.
    The command then creates a workspace `simulation` with two accounts, and a key for --check, in its database.
    Campaigns have some of the bookers as leads there, and --check compares their matches and funnels too.

    With --remove, it deletes the records of earlier runs, and erases their events from the log.

    Example: showup simulate --count 500 --seed 7 --chaos --check
    """
    if remove:
        from showup.cli.removal import remove_and_print

        remove_and_print("simulation", workspace, json=json)
        return
    from showup.cli.secret_input import STDIN, read_secret

    if secret == key == STDIN:
        raise CliError("Only one of --secret and --key can be read from stdin. Use --key-file for the other.")
    secret, key = read_secret(secret, secret_file, "--secret"), read_secret(key, key_file, "--key")
    url = url or _own_address()
    _check_options(url, secret, account, yes_really=yes_really)
    if check and secret is not None and key is None:
        raise CliError(
            "--check needs an API key. Create one with `showup keys create simulation --scope write`, then use --key."
        )
    from showup.cli import simulate_output as output
    from showup.clock import system_clock
    from showup.simulation.world import make_world

    with _open_endpoints(url, secret, account) as (endpoints, made_key):
        world = make_world(seed, system_clock(), count, with_campaigns=made_key is not None)
        _require_running_server(url)
        options = SimulationOptions(url, rate, chaos, check, wait)
        summary, comparison = asyncio.run(_run(options, world, endpoints, key or made_key))
    (output.print_report_json if json else output.print_report)(world, summary, comparison)
    if summary.failures or (comparison is not None and not comparison.is_ok):
        raise typer.Exit(1)


def _own_address() -> str:
    from showup.settings import load

    settings = load()
    return f"http://{settings.host}:{settings.port}"


def _require_running_server(url: str) -> None:
    import httpx2

    try:
        httpx2.get(f"{url.rstrip('/')}/healthz", timeout=5)
    except httpx2.TransportError as fault:
        message = f"No response from {url} ({type(fault).__name__})."
        raise CliError(f"{message} Start Showup with `make run`, or choose another address with --url.") from None


def _check_options(url: str, secret: str | None, account: str | None, *, yes_really: bool) -> None:
    from showup.simulation.run import is_loopback

    if not is_loopback(url) and not yes_really:
        raise CliError(f"{url} is another machine, and this command creates data there. Add --yes-really to confirm.")
    if secret is None and (account is not None or not is_loopback(url)):
        raise CliError(f"Set --secret to the webhook secret of the account {account or 'at that address'}.")


@contextmanager
def _open_endpoints(
    url: str, secret: str | None, account: str | None
) -> "Iterator[tuple[list[TargetEndpoint], str | None]]":
    """Yields the webhook endpoints to send to, and this run's key, which is revoked at the end."""
    from showup.simulation.run import target_endpoint

    if secret is not None:
        yield [target_endpoint(url, account, secret)], None
        return
    prepared = run_command(_prepare)
    try:
        yield [target_endpoint(url, name, account_secret) for name, account_secret in prepared.accounts], prepared.key
    finally:
        run_command(lambda container: _clean_up(container, prepared))


async def _prepare(container: "Container") -> "PreparedWorkspace":
    from showup.database.engine import transaction
    from showup.simulation.preparation import AccountNameTaken, prepare

    try:
        async with transaction(container.engine) as tx:
            return await prepare(tx, container.seal, container.clock())
    except AccountNameTaken as fault:
        raise CliError(f"{fault} Use --account, --secret and --key.") from None


async def _clean_up(container: "Container", prepared: "PreparedWorkspace") -> None:
    from showup.database.engine import transaction
    from showup.simulation.preparation import revoke_key

    async with transaction(container.engine) as tx:
        await revoke_key(tx, prepared, container.clock())


async def _run(
    options: SimulationOptions, world: "World", endpoints: "list[TargetEndpoint]", key: str | None
) -> "tuple[SendSummary, CheckResult | None]":
    from showup.cli.simulate_output import progress, wait_status
    from showup.simulation.api_reader import ApiReadError
    from showup.simulation.run import check_run, import_leads, outgoing_webhooks, send_all
    from showup.simulation.sender import SendOptions

    outgoing = outgoing_webhooks(world, endpoints, chaos=options.chaos)
    try:
        # Half of the leads come before the bookings, half of them after.
        if key is not None:
            await import_leads(options.url, key, world.leads[::2])
        with progress(len(outgoing)) as on_progress:
            summary = await send_all(outgoing, SendOptions(rate=options.rate), lambda _: on_progress())
        if key is not None:
            await import_leads(options.url, key, world.leads[1::2])
        if not options.check or key is None:
            return summary, None
        with wait_status():
            return summary, await check_run(options.url, key, world, summary, time_limit=options.wait)
    except ApiReadError as fault:
        raise CliError(f"Showup's API answered unexpectedly: {fault}") from None
