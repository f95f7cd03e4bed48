"""`showup simulate`: a population that books, moves, cancels and misses meetings, told over HTTP."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from showup.commands.inside import inside
from showup.commands.refusal import Refused

if TYPE_CHECKING:
    from showup.assembly import House
    from showup.simulation.preparing import Ready
    from showup.simulation.run import Checked
    from showup.simulation.sender import Summary
    from showup.simulation.wire import Door
    from showup.simulation.world import World

Secret = Annotated[str | None, typer.Option(help="The account's webhook secret; see below.")]
Account = Annotated[str | None, typer.Option(help="The account to send as (else `default`).")]
Rate = Annotated[float, typer.Option(min=0, help="Webhooks a second; 0: as fast as they are taken.")]
Count = Annotated[int, typer.Option(min=1, help="About how many; stories are told to their end.")]
Chaos = Annotated[bool, typer.Option("--chaos", help="Some twice, some late, some past each other.")]
Check = Annotated[bool, typer.Option("--check", help="Compare what the API then says.")]
Wait = Annotated[float, typer.Option(min=0, help="Seconds that --check gives Showup to catch up.")]
Key = Annotated[str | None, typer.Option(help="An API key with read scope, for --check.")]


@dataclass(frozen=True, slots=True)
class Asked:
    """How a run is to be sent, and whether it is to be compared."""

    url: str
    rate: float
    chaos: bool
    check: bool
    wait: float


def simulate(  # noqa: PLR0913, PLR0917 - each option of a command is an argument of its function
    url: Annotated[
        str | None, typer.Option(help="The Showup to send to (else this machine's, by its settings).")
    ] = None,
    secret: Secret = None,
    account: Account = None,
    rate: Rate = 50,
    count: Count = 500,
    seed: Annotated[int, typer.Option(help="Another seed tells other stories.")] = 1,
    chaos: Chaos = False,
    check: Check = False,
    wait: Wait = 60,
    key: Key = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    yes_really: Annotated[bool, typer.Option("--yes-really", help="Send to another machine.")] = False,
) -> None:
    """Send signed, realistic webhooks, marked as simulated: they move deals, and nobody outside hears.

    Without --secret the Showup is taken to be this machine's: a workspace `simulation` with two accounts, and
    a key for --check, are made in its database.

    Example: showup simulate --count 500 --seed 7 --chaos --check
    """
    url = url or _own_address()
    _refuse_what_cannot_work(url, secret, account, yes_really=yes_really)
    if check and secret is not None and key is None:
        raise Refused("Give --key, an API key: showup keys create simulation --scope read")
    from showup.clock import system_clock
    from showup.commands import simulate_shown as shown
    from showup.simulation.world import make_world

    world = make_world(seed, system_clock(), count)
    with _doors(url, secret, account) as (doors, made_key):
        _refuse_where_nobody_answers(url)
        asked = Asked(url, rate, chaos, check, wait)
        summary, checked = asyncio.run(_run(asked, world, doors, key or made_key))
    (shown.in_json if json else shown.in_text)(world, summary, checked)
    if summary.refused or (checked is not None and not checked.ok):
        raise typer.Exit(1)


def _own_address() -> str:
    from showup.settings import load

    settings = load()
    return f"http://{settings.host}:{settings.port}"


def _refuse_where_nobody_answers(url: str) -> None:
    import httpx2

    try:
        httpx2.get(f"{url.rstrip('/')}/healthz", timeout=5)
    except httpx2.TransportError as fault:
        told = f"Nothing answers at {url} ({type(fault).__name__}): is Showup running there?"
        raise Refused(f"{told} `make run` starts it; --url names another address.") from None


def _refuse_what_cannot_work(url: str, secret: str | None, account: str | None, *, yes_really: bool) -> None:
    from showup.simulation.run import is_loopback

    if not is_loopback(url) and not yes_really:
        raise Refused(f"{url} is another machine, and this makes data there: add --yes-really to do it.")
    if secret is None and (account is not None or not is_loopback(url)):
        raise Refused(f"Give --secret, the webhook secret of the account {account or 'there'}.")


@contextmanager
def _doors(url: str, secret: str | None, account: str | None) -> "Iterator[tuple[list[Door], str | None]]":
    """The doors to send to, and the key that was made for this run, which is revoked at the end."""
    from showup.simulation.run import door

    if secret is not None:
        yield [door(url, account, secret)], None
        return
    ready = inside(_prepared)
    try:
        yield [door(url, name, its) for name, its in ready.accounts], ready.key
    finally:
        inside(lambda house: _given_back(house, ready))


async def _prepared(house: "House") -> "Ready":
    from showup.database.engine import transaction
    from showup.simulation.preparing import NameTaken, prepare

    try:
        async with transaction(house.engine) as tx:
            return await prepare(tx, house.seal, house.clock())
    except NameTaken as fault:
        raise Refused(f"{fault} Give --account, --secret and --key.") from None


async def _given_back(house: "House", ready: "Ready") -> None:
    from showup.database.engine import transaction
    from showup.simulation.preparing import give_back

    async with transaction(house.engine) as tx:
        await give_back(tx, ready, house.clock())


async def _run(asked: Asked, world: "World", doors: "list[Door]", key: str | None) -> "tuple[Summary, Checked | None]":
    from showup.commands.simulate_shown import progress, waiting
    from showup.simulation.reading import CannotRead
    from showup.simulation.run import compare, play, webhooks
    from showup.simulation.sender import Pace

    outgoing = webhooks(world, doors, chaos=asked.chaos)
    with progress(len(outgoing)) as advance:
        summary = await play(outgoing, Pace(rate=asked.rate), lambda _: advance())
    if not asked.check or key is None:
        return summary, None
    try:
        with waiting():
            return summary, await compare(asked.url, key, world, summary, within_for=asked.wait)
    except CannotRead as fault:
        raise Refused(f"What Showup knows can't be read back: {fault}") from None
