"""PI11: what somebody was told is not done is never done later, and the log says so, and why."""

from datetime import timedelta

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import raw, transaction
from showup.deals.deal import DealChange
from showup.inbox.act import Acted, act
from showup.sources.hand.command import ChangeDeal, Command, ReportOutcome
from tests.stories.calendar import SAM, SARAH, Meeting, Week
from tests.stories.desk import WHO
from tests.stories.tables import WORKSPACE, hear, tell


async def given(engine: AsyncEngine, *commands: Command) -> Acted:
    async with transaction(engine) as tx:
        return await act(await raw(tx), WORKSPACE, commands, commands[0].at)


async def row(engine: AsyncEngine, query: str, *values: object) -> asyncpg.Record:
    async with transaction(engine) as tx:
        return await (await raw(tx)).fetchrow(query, *values)


async def test_late_news_that_would_have_allowed_it_does_not_do_what_was_refused(engine: AsyncEngine) -> None:
    week = Week()
    first, second = Meeting(week, "alpha", [SARAH], 1), Meeting(week, "beta", [SAM], 2)
    first.make()
    first.cancel()
    second.make()
    made, cancelled, another = week.arrivals([])
    await tell(engine, [made, cancelled])
    to_stage = DealChange(stage="proposal")
    acted = await given(engine, ChangeDeal(at=week.tick(), actor=WHO, deal="uid:alpha", change=to_stage))
    assert acted.refused == "the deal is cancelled: only an active one changes its stage"
    # Somebody had moved the meeting before it was called off: so its deal never was cancelled.
    first.move()
    moved = week.sent[-1]._replace(body=week.sent[-1].body.replace(b"T09:35:00", b"T09:10:00"))
    await hear(engine, [moved])
    await hear(engine, [another])
    deal = await row(engine, "SELECT status, stage FROM deals")
    assert tuple(deal) == ("active", "booked")
    logged = await row(engine, "SELECT state, because, actor FROM calcom_events WHERE id = $1", acted.event_ids[0])
    assert tuple(logged) == ("refused", acted.refused, WHO)
    assert await row(engine, "SELECT 1 FROM journal WHERE event_id = $1", acted.event_ids[0]) is None


async def test_of_commands_given_together_none_is_done_when_one_is_refused(engine: AsyncEngine) -> None:
    week = Week()
    meeting = Meeting(week, "alpha", [SARAH], 1)
    meeting.make()
    await tell(engine, week.arrivals([]))
    at = week.now + timedelta(days=3)
    acted = await given(
        engine,
        ReportOutcome(at=at, actor=WHO, booking="uid:alpha", outcome="showed"),
        ChangeDeal(at=at, actor=WHO, deal="uid:alpha", change=DealChange(status="lost")),
    )
    assert acted.refused == "a lost deal needs its lost_reason"
    assert tuple(await row(engine, "SELECT attended, outcome FROM bookings")) == (None, None)
    states = await row(engine, "SELECT array_agg(DISTINCT state) FROM calcom_events WHERE origin = 'hand'")
    assert list(states[0]) == ["refused"]
