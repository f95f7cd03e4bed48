"""Implements `showup calcom backfill`: imports past bookings from Cal.com's API, and sends no notifications."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from showup.cli.errors import CliError
from showup.cli.output import counting_bar, print_json
from showup.cli.runner import run_command
from showup.values.counted import counted

if TYPE_CHECKING:
    from showup.container import Container
    from showup.reconcile.account import ReconciledAccount
    from showup.reconcile.reconciler import BackfillResult, Reconciler

_REPORT_EVERY = 1_000


def backfill(
    since: Annotated[
        str, typer.Option("--from", metavar="DATE", help="Import bookings created on this day (UTC) or later.")
    ],
    to: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="The last day, inclusive. Default: today.")
    ] = None,
    account: Annotated[
        str | None, typer.Option(help="Only this account. Default: all accounts with an API key.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Import past bookings from Cal.com, without sending any notifications.

    Bookings that Showup already has are compared and, where they differ, repaired.
    To continue after an interruption, run the same command again.
    From an old instance with API v1, Showup imports the bookings whose meetings were on these days.

    Example: showup calcom backfill --from 2026-01-01 --to 2026-06-30
    """
    first, last = _parse_day(since, "--from"), None if to is None else _parse_day(to, "--to")
    if last is not None and last < first:
        raise CliError("--to is before --from.")

    async def work(container: "Container") -> dict[str, "BackfillResult"]:
        # Both limits are whole days, so that the same command selects the same bookings and can continue.
        today = container.clock().replace(hour=0, minute=0, second=0, microsecond=0)
        return await _backfill(container, account, first, (last or today) + timedelta(days=1), quiet=json)

    results = run_command(work)
    if json:
        print_json(
            {name: {"checked": result.looked_at, "repaired": result.repaired} for name, result in results.items()}
        )
        return
    for name, result in results.items():
        repaired = ", ".join(f"{count:,} {kind}" for kind, count in sorted(result.repaired.items())) or "no differences"
        print(f"{name}: checked {counted(result.looked_at, 'booking')}: {repaired}.")


async def _backfill(
    opened_container: "Container", account_name: str | None, since: datetime, until: datetime, *, quiet: bool
) -> dict[str, "BackfillResult"]:
    from showup.container import open_http_clients
    from showup.delivery_worker import build_reconciler

    async with open_http_clients(opened_container) as clients:
        reconciler = build_reconciler(opened_container, clients)
        results = {}
        for account in await _select_accounts(reconciler, account_name):
            with _progress(account.name, quiet=quiet) as on_progress:
                results[account.name] = await _backfill_account(reconciler, account, since, until, on_progress)
    return results


async def _backfill_account(
    reconciler: "Reconciler",
    account: "ReconciledAccount",
    since: datetime,
    until: datetime,
    on_progress: Callable[[int], None],
) -> "BackfillResult":
    from showup.reconcile.comparison import NotCaughtUp
    from showup.reconcile.lease import LeaseLost
    from showup.sources.calcom.api_errors import CalcomRefused, CalcomUnavailable

    retry_hint = "To continue, run the same command again."
    try:
        return await reconciler.backfill(account, since, until, on_progress)
    except (CalcomUnavailable, CalcomRefused) as fault:
        raise CliError(f"{account.name}: {fault.because.rstrip('.')}. {retry_hint}") from None
    except NotCaughtUp:
        raise CliError(
            f"{account.name}: some received events are not applied yet; see `showup doctor`. {retry_hint}"
        ) from None
    except LeaseLost:
        raise CliError(
            f"{account.name}: another process now compares this account with Cal.com. {retry_hint}"
        ) from None


async def _select_accounts(reconciler: "Reconciler", name: str | None) -> "list[ReconciledAccount]":
    accounts = await reconciler.accounts()
    if name is not None and not (accounts := [account for account in accounts if account.name == name]):
        raise CliError(f"There is no account {name!r} with an API key. List the accounts with `showup accounts list`.")
    if not accounts:
        raise CliError(
            "No Cal.com account has an API key. Set CALCOM_API_KEY, or run `showup connections set calcom NAME`."
        )
    return accounts


def _parse_day(text: str, option: str) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise CliError(f"{option} {text!r} is not a date. Use the form 2026-11-21.") from None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


@contextmanager
def _progress(name: str, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Shows a bar on a terminal; elsewhere prints a line at intervals."""
    with counting_bar() as bar:
        task = bar.add_task(f"{name}: bookings", total=None)
        checked = 0

        def on_progress(count: int) -> None:
            nonlocal checked
            previous, checked = checked, checked + count
            bar.advance(task, count)
            if not bar.console.is_terminal and not quiet and checked // _REPORT_EVERY > previous // _REPORT_EVERY:
                print(f"{name}: {counted(checked, 'booking')} so far", flush=True)

        yield on_progress
