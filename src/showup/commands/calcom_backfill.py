"""`showup calcom backfill`: bookings of the past are taken in from Cal.com's API, and nobody is told of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from showup.commands.inside import inside
from showup.commands.printing import as_json
from showup.commands.refusal import Refused

if TYPE_CHECKING:
    from showup.assembly import House
    from showup.reconcile.account import AskedAccount
    from showup.reconcile.reconciler import Found, Reconciler

_SAID_EVERY = 1_000


def backfill(
    since: Annotated[str, typer.Option("--from", metavar="DATE", help="Bookings made on this day (UTC), and later.")],
    to: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Until this day, included (else today).")
    ] = None,
    account: Annotated[str | None, typer.Option(help="One account of Cal.com (else all that have an API key).")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Take in the bookings of the past from Cal.com, without telling anybody.

    What stands already is compared, and put right where it differs. The same call goes on where one was broken off.
    From an old instance with API v1 come the bookings whose meetings were on these days.

    Example: showup calcom backfill --from 2026-01-01 --to 2026-06-30
    """
    first, last = _day(since, "--from"), None if to is None else _day(to, "--to")
    if last is not None and last < first:
        raise Refused("--to is before --from.")

    async def work(house: "House") -> dict[str, "Found"]:
        # The end of a day either way, so that the same call means the same bookings, and goes on where it was.
        today = house.clock().replace(hour=0, minute=0, second=0, microsecond=0)
        return await _backfill(house, account, first, (last or today) + timedelta(days=1), quiet=json)

    found = inside(work)
    if json:
        as_json({name: {"looked_at": one.looked_at, "healed": one.healed} for name, one in found.items()})
        return
    for name, one in found.items():
        healed = ", ".join(f"{many:,} {kind}" for kind, many in sorted(one.healed.items())) or "nothing was missing"
        print(f"{name}: looked at {one.looked_at:,} bookings: {healed}.")


async def _backfill(
    house: "House", named: str | None, since: datetime, until: datetime, *, quiet: bool
) -> dict[str, "Found"]:
    from importlib.metadata import version

    from showup import assembly
    from showup.destinations import wire

    async with wire.client(version("showup")) as client:
        reconciler = assembly.reconciler(house, client)
        found = {}
        for account in await _accounts(reconciler, named):
            with _progress(account.name, quiet=quiet) as told:
                found[account.name] = await _one(reconciler, account, since, until, told)
    return found


async def _one(
    reconciler: "Reconciler", account: "AskedAccount", since: datetime, until: datetime, told: Callable[[int], None]
) -> "Found":
    from showup.reconcile.lease import LeaseLost
    from showup.reconcile.run import NotCaughtUp
    from showup.sources.calcom.api_faults import CalcomAway, CalcomRefuses

    again = "The same command goes on from there."
    try:
        return await reconciler.backfill(account, since, until, told)
    except (CalcomAway, CalcomRefuses) as fault:
        raise Refused(f"{account.name}: {fault.because.rstrip('.')}. {again}") from None
    except NotCaughtUp:
        raise Refused(f"{account.name}: what came in is not applied yet; see `showup doctor`. {again}") from None
    except LeaseLost:
        raise Refused(f"{account.name}: another process asks Cal.com about it by now. {again}") from None


async def _accounts(reconciler: "Reconciler", named: str | None) -> "list[AskedAccount]":
    accounts = await reconciler.accounts()
    if named is not None and not (accounts := [one for one in accounts if one.name == named]):
        raise Refused(f"There is no account {named!r} with an API key: `showup accounts list` shows them.")
    if not accounts:
        raise Refused("No account of Cal.com has an API key: set CALCOM_API_KEY, or the key of an account.")
    return accounts


def _day(text: str, option: str) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Refused(f"{option} {text!r} is no day such as 2026-11-21.") from None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


@contextmanager
def _progress(name: str, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal; elsewhere a line every so many bookings."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns: tuple[Any, ...] = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(f"{name}: bookings", total=None)
        looked_at = 0

        def told(many: int) -> None:
            nonlocal looked_at
            before, looked_at = looked_at, looked_at + many
            bar.advance(task, many)
            if not console.is_terminal and not quiet and looked_at // _SAID_EVERY > before // _SAID_EVERY:
                print(f"{name}: {looked_at:,} bookings so far", flush=True)

        yield told
