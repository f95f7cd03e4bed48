"""CA8: counts by week and the facts themselves give the same analysis, at any time and with any filter."""

from datetime import date, datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.analysis_data import insert
from showup.access.permission import Permission
from showup.analysis.groups import total_outcomes
from showup.analysis.subjects import MEETINGS, SUBJECTS
from showup.analysis.week_counter import WeekCounter
from showup.database.engine import driver_connection, transaction
from showup.reads.analysis.counts import AnalysisFilter, read_cells
from tests.histories.table_contents import new_account

NOW = datetime.fromisoformat("2026-09-14T12:00:00Z")
FILTERS = {
    "organizer": ((), ("host0@brand.example", "host2@brand.example")),
    "source": ((), ("unknown",)),
    "event_type": ((), ("type0",)),
}
PERIODS = ((None, None), (date(2026, 8, 20), date(2026, 9, 10)))


PLAIN = """
    SELECT count(*) FILTER (WHERE attended IS NULL AND start_time > $1 AND status = 'ACCEPTED') AS upcoming,
           count(*) FILTER (WHERE status = 'CANCELLED') AS cancelled, count(*) AS total
    FROM bookings WHERE organizer_email = 'host0@brand.example' AND source = 'unknown'
"""


def wanted() -> list[AnalysisFilter]:
    return [
        AnalysisFilter(**dict(zip(FILTERS, values, strict=True)), since=since, until=until)
        for *values, (since, until) in product(*FILTERS.values(), PERIODS)
    ]


def permission_for(workspace_id: UUID | None) -> Permission:
    return Permission(actor="key:test", scope="read", workspace_id=workspace_id)


async def read_all(engine: AsyncEngine, workspace_id: UUID, now: datetime) -> list[dict[str, int]]:
    permission = permission_for(workspace_id)
    async with transaction(engine) as tx:
        return [dict(await read_cells(tx, permission, subject, one, now)) for subject in SUBJECTS for one in wanted()]


async def execute(engine: AsyncEngine, statement: str, *arguments: Any) -> None:
    async with transaction(engine) as tx:
        await (await driver_connection(tx)).execute(statement, *arguments)


async def test_counts_by_week_equal_the_facts_at_any_time(engine: AsyncEngine) -> None:
    workspace_id = (await new_account(engine)).workspace_id
    assert workspace_id is not None
    async with transaction(engine) as tx:
        await insert(await driver_connection(tx), bookings=300, now=NOW, weeks=5)
    from_facts = await read_all(engine, workspace_id, NOW)
    assert from_facts[0], "there is something to count"
    counter = WeekCounter(engine, lambda: NOW)
    assert await counter.count_due() > 0
    assert await read_all(engine, workspace_id, NOW) == from_facts

    # Meetings end: the weeks' counts hold no longer, and nobody has counted them again.
    later = NOW + timedelta(days=9)
    counted_before = await read_all(engine, workspace_id, later)
    assert counted_before != from_facts
    await execute(engine, "DELETE FROM week_summaries")
    assert await read_all(engine, workspace_id, later) == counted_before

    # A change of facts shows at once, too: a meeting moves to another week.
    await WeekCounter(engine, lambda: later).count_due()
    await execute(engine, "UPDATE booking_facts SET day = day + 30, state = 'no_show' WHERE lead_days = 3")
    changed = await read_all(engine, workspace_id, later)
    assert changed != counted_before
    await execute(engine, "DELETE FROM week_summaries")
    assert await read_all(engine, workspace_id, later) == changed
    await WeekCounter(engine, lambda: later).count_due()
    await execute(engine, "DELETE FROM booking_facts WHERE lead_days = 3")
    removed = await read_all(engine, workspace_id, later)
    await execute(engine, "DELETE FROM week_summaries")
    assert await read_all(engine, workspace_id, later) == removed


async def test_filters_choose_and_no_workspace_sees_another(engine: AsyncEngine) -> None:
    first, second = await new_account(engine), await new_account(engine)
    async with transaction(engine) as tx:
        connection = await driver_connection(tx)
        await connection.execute("DELETE FROM connections WHERE workspace_id = $1", second.workspace_id)
        await insert(connection, bookings=200, now=NOW, weeks=5)
        plain = await connection.fetchrow(PLAIN, NOW)
    assert first.workspace_id is not None
    assert second.workspace_id is not None
    wanted_filter = AnalysisFilter(organizer=["host0@brand.example"], source=["unknown"])
    for is_counted in (False, True):
        if is_counted:
            await WeekCounter(engine, lambda: NOW).count_due()
        async with transaction(engine) as tx:
            theirs, ours, everyones = [
                await read_cells(tx, permission_for(one), MEETINGS, wanted_filter, NOW)
                for one in (second.workspace_id, first.workspace_id, None)
            ]
        totals = total_outcomes(ours)
        assert (totals.upcoming, totals.cancelled, totals.total) == tuple(plain)
        assert (theirs, everyones) == ({}, ours)


async def test_delivered_reminders_are_counted_once_when_the_meeting_is_over(engine: AsyncEngine) -> None:
    account = await new_account(engine)
    async with transaction(engine) as tx:
        connection = await driver_connection(tx)
        await insert(connection, bookings=1, now=NOW, weeks=5)
        await connection.execute(
            "UPDATE booking_facts SET ends_at = $1, reminders = 0, counted_version = NULL", NOW + timedelta(hours=1)
        )
        await connection.execute(
            """
            INSERT INTO deliveries (id, workspace_id, booking_id, key, destination, kind, state, due_at,
                                    wake_at, booking_version, created_at, updated_at)
            SELECT gen_random_uuid(), $1, f.booking_id, 'key' || n, 'email', made.kind, made.state,
                   $2::timestamptz + n / 2 * interval '1 hour', $2, made.version, $2, $2
            FROM booking_facts f, (VALUES
                (0, 'reminder', 'delivered', 1), (1, 'reminder', 'delivered', 1), (2, 'reminder', 'delivered', 1),
                (4, 'reminder', 'failed', 1), (6, 'reminder', 'delivered', 2), (8, 'confirmation', 'delivered', 1)
            ) AS made(n, kind, state, version)
            """,
            account.workspace_id,
            NOW,
        )

    async def reminders(now: datetime) -> Any:
        await WeekCounter(engine, lambda: now).count_due()
        async with transaction(engine) as tx:
            row = await (await driver_connection(tx)).fetchrow("SELECT reminders, counted_version FROM booking_facts")
        return None if row is None else tuple(row)

    assert await reminders(NOW) == (0, None)
    assert await reminders(NOW + timedelta(hours=2)) == (2, 1)
