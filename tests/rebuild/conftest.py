"""A sample week of events, applied in order, and helpers to read and change its tables."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import driver_connection, transaction
from showup.inbox.rebuild.options import RebuildOptions
from showup.inbox.rebuild.run import RebuildResult, rebuild
from tests.cli.conftest import ready as ready
from tests.cli.conftest import restore_logging as restore_logging
from tests.cli.conftest import showup as showup
from tests.histories.calcom_week import GUS, LEE, SAM, SARAH, Meeting, Week
from tests.histories.operator_commands import Operator
from tests.histories.table_contents import WORKSPACE, apply_history


def sample_week() -> Week:
    """Returns bookings of two companies and a private person: moved, held and cancelled, with a manual outcome."""
    week = Week()
    first, second = Meeting(week, "alpha", [SARAH], 1), Meeting(week, "beta", [SAM], 2)
    third, fourth = Meeting(week, "gamma", [LEE], 3), Meeting(week, "delta", [GUS], 4)
    for meeting in (first, second, third, fourth):
        meeting.create()
    first.reschedule()
    first.end()
    Operator(week).report_outcome(first, first.uid, "showed")
    third.cancel()
    fourth.mark()
    return week


async def load_sample_week(engine: AsyncEngine) -> Week:
    week = sample_week()
    await apply_history(engine, week.received_bodies([timedelta()]))
    return week


async def run_rebuild(engine: AsyncEngine, **options: Any) -> RebuildResult:
    return await rebuild(engine, RebuildOptions(workspace_ids=[WORKSPACE], **options))


async def differing_tables(engine: AsyncEngine, **options: Any) -> set[str]:
    """Returns which tables differ, and how, such as "deals missing"."""
    result = await run_rebuild(engine, **options)
    return {
        f"{count.table} {kind}"
        for count in result.counts
        for kind, row_count in (("missing", count.missing), ("extra", count.extra), ("changed", count.changed))
        if row_count
    }


async def fetch_rows(engine: AsyncEngine, query: str, *parameters: Any) -> Sequence[asyncpg.Record]:
    async with transaction(engine) as tx:
        result: Sequence[asyncpg.Record] = await (await driver_connection(tx)).fetch(query, *parameters)
        return result


async def change_tables(engine: AsyncEngine, *statements: str) -> None:
    """Runs statements directly in the database; each must change a row."""
    async with transaction(engine) as tx:
        connection = await driver_connection(tx)
        for statement in statements:
            assert not (await connection.execute(statement)).endswith(" 0"), statement
