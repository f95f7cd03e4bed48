"""PI11: a refused command is never executed later, and the log records the refusal and its reason."""

from datetime import timedelta

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import driver_connection, transaction
from showup.deals.deal import DealChange
from showup.events.booking import OutcomeReported
from showup.events.deal import DealChanged
from tests.execute import ACTOR, execute
from tests.histories.calcom_week import SAM, SARAH, Meeting, Week
from tests.histories.table_contents import WORKSPACE, apply_batch, apply_history


async def fetch_row(engine: AsyncEngine, query: str, *values: object) -> asyncpg.Record:
    async with transaction(engine) as tx:
        return await (await driver_connection(tx)).fetchrow(query, *values)


async def test_a_late_event_never_executes_a_refused_command(engine: AsyncEngine) -> None:
    week = Week()
    first, second = Meeting(week, "alpha", [SARAH], 1), Meeting(week, "beta", [SAM], 2)
    first.create()
    first.cancel()
    second.create()
    created, cancelled, second_created = week.received_bodies([])
    await apply_history(engine, [created, cancelled])
    to_stage = DealChange(stage="proposal")
    result = await execute(engine, WORKSPACE, DealChanged(subject="uid:alpha", change=to_stage), at=week.next_time())
    assert result.refused == "the deal is cancelled: only an active deal can change its stage"
    # A late event: the meeting was rescheduled before the cancellation, so its deal was never cancelled.
    first.reschedule()
    moved = week.sent[-1]._replace(body=week.sent[-1].body.replace(b"T09:35:00", b"T09:10:00"))
    await apply_batch(engine, [moved])
    await apply_batch(engine, [second_created])
    deal = await fetch_row(engine, "SELECT status, stage FROM deals")
    assert tuple(deal) == ("active", "booked")
    event_row = await fetch_row(
        engine, "SELECT state, because, actor FROM inbox_events WHERE id = $1", result.event_ids[0]
    )
    assert tuple(event_row) == ("refused", result.refused, ACTOR)
    assert await fetch_row(engine, "SELECT 1 FROM audit_log WHERE event_id = $1", result.event_ids[0]) is None


async def test_one_refused_command_refuses_all_of_the_request(engine: AsyncEngine) -> None:
    week = Week()
    meeting = Meeting(week, "alpha", [SARAH], 1)
    meeting.create()
    await apply_history(engine, week.received_bodies([]))
    at = week.now + timedelta(days=3)
    result = await execute(
        engine,
        WORKSPACE,
        OutcomeReported(subject="uid:alpha", outcome="showed"),
        DealChanged(subject="uid:alpha", change=DealChange(status="lost")),
        at=at,
    )
    assert result.refused == "a lost deal needs a lost_reason"
    assert tuple(await fetch_row(engine, "SELECT attended, outcome FROM bookings")) == (None, None)
    states = await fetch_row(engine, "SELECT array_agg(DISTINCT state) FROM inbox_events WHERE origin = 'manual'")
    assert list(states[0]) == ["refused"]
