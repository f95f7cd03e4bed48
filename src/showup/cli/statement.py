"""Implements `showup statement`, and the log line that the worker writes each day with the same numbers."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final

import structlog
import typer

from showup.cli.errors import CliError
from showup.cli.output import print_json
from showup.cli.runner import get_workspace, run_command
from showup.values.counted import counted

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from showup.clock import Clock
    from showup.container import Container
    from showup.dispatch.worker import PeriodicTask
    from showup.reads.statement import DailyStatement

DAY_OPTION: Final = typer.Option(
    formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="A day of each workspace's time zone. Default: yesterday there."
)
_log = structlog.get_logger()


def statement(
    day: Annotated[datetime | None, DAY_OPTION] = None,
    workspace: Annotated[str | None, typer.Option(help="Only this workspace. Default: all.")] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Exit with status 1 if a webhook is unreadable or open, or bookings are missing or unknown."
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print what became of each webhook of a day, and how many bookings Cal.com has that Showup lacks.

    Example: showup statement --day 2026-11-30
    """

    async def work(container: "Container") -> "list[DailyStatement]":
        from showup.access.permission import Permission
        from showup.database.engine import transaction
        from showup.reads.statement import list_statements

        async with transaction(container.engine) as tx:
            permission = Permission(
                actor="command line",
                workspace_id=None if workspace is None else (await get_workspace(tx, workspace)).id,
                scope="read",
            )
            return await list_statements(tx, permission, container.clock(), day=None if day is None else day.date())

    statements = run_command(work)
    if json:
        print_json([each.to_dict() for each in statements])
    else:
        print("\n".join(_sentence(each) for each in statements) or "There is no workspace.")
    incomplete = [each.workspace for each in statements if not each.is_complete]
    if check and incomplete:
        raise CliError(
            f"Not complete: {', '.join(incomplete)}. `showup doctor` says why, and docs/RUNBOOK.md what to do."
        )


def statement_task(engine: "AsyncEngine", clock: "Clock") -> "PeriodicTask":
    """Returns the task that logs each workspace's statement in the first hour of the next day there."""
    from showup.access.permission import Permission
    from showup.database.engine import transaction
    from showup.dispatch.worker import PeriodicTask
    from showup.reads.statement import list_statements
    from showup.values.time_zone import zone_of

    everything = Permission(actor="worker", workspace_id=None, scope="read")

    async def log_statements() -> None:
        now = clock()
        async with transaction(engine) as tx:
            for each in await list_statements(tx, everything, now):
                if now.astimezone(zone_of(each.time_zone)).hour == 0:
                    log = _log.info if each.is_complete else _log.warning
                    log("daily statement", **each.to_dict())

    # Some zones begin their hours at 15, 30 or 45 minutes past.
    return PeriodicTask(name="statement", cron="50 * * * *", run=log_statements)


def _sentence(each: "DailyStatement") -> str:
    states = {
        "projected": each.projected,
        "duplicate": each.duplicate,
        "ignored": each.ignored,
        "unreadable": each.unreadable,
        "open": each.open,
        "erased": each.erased,
    }
    missing = "unknown, never compared" if each.missing is None else str(each.missing)
    not_compared = f" Not compared on that day: {', '.join(each.not_compared)}." if each.not_compared else ""
    return (
        f"{each.workspace}, {each.day}: {counted(each.received, 'webhook')} received: "
        f"{', '.join(f'{count} {state}' for state, count in states.items())}. "
        f"Compared with Cal.com: {each.repaired} repaired, missing: {missing}.{not_compared}"
    )
