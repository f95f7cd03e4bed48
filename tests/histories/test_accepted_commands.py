"""M01, PI12: older events that arrive after an accepted command never undo it, and the conflict is visible."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import driver_connection, transaction
from showup.deals.deal import DealChange
from showup.events.booking import OutcomeReported
from showup.events.deal import DealChanged, DealOpened
from showup.events.manual import ManualEvent
from tests.execute import execute
from tests.histories.calcom_week import GUS, SAM, SARAH, Meeting, ReceivedBody, Week
from tests.histories.hypothesis_settings import history_settings
from tests.histories.operator_commands import ACME
from tests.histories.rebuild_check import rebuild_differences
from tests.histories.table_contents import WORKSPACE, apply_batch, reset_database

WON = DealChange(status="won", amount=12_000, currency="USD")
LOST = DealChange(status="lost", lost_reason="no budget")
PROPOSAL = DealChange(stage="proposal")
ACTIVE = DealChange(status="active")
AMOUNT = DealChange(amount=500, currency="EUR")

_CHANGES: Sequence[Callable[[Meeting], None]] = (
    Meeting.cancel,
    Meeting.reschedule,
    Meeting.request_rebooking,
    Meeting.reassign,
    Meeting.relocate,
    Meeting.mark,
)
_COMMANDS = st.sampled_from(
    [
        *(DealChanged(subject="uid:alpha", change=one) for one in (WON, LOST, PROPOSAL, ACTIVE, AMOUNT)),
        *(OutcomeReported(subject="uid:alpha", outcome=one, notes="noted") for one in ("showed", "no_show")),
    ]
)


async def fetch(engine: AsyncEngine, query: str, *values: object) -> list[asyncpg.Record]:
    async with transaction(engine) as tx:
        return list(await (await driver_connection(tx)).fetch(query, *values))


async def deal_of_alpha(engine: AsyncEngine) -> dict[str, Any]:
    (row,) = await fetch(
        engine,
        """
        SELECT d.status, d.stage, d.amount, d.currency, d.lost_reason FROM booking_refs r
        JOIN bookings b ON b.id = r.booking_id JOIN deals d ON d.id = b.deal_id WHERE r.ref = 'uid:alpha'
        """,
    )
    return dict(row)


async def conflicts(engine: AsyncEngine) -> list[tuple[str, str]]:
    rows = await fetch(engine, "SELECT what, because FROM audit_log WHERE what LIKE '%.conflict' ORDER BY number")
    return [(row["what"], row["because"]) for row in rows]


async def book_and_hold_back(engine: AsyncEngine, change: Callable[[Meeting], None]) -> tuple[Week, list[ReceivedBody]]:
    """Books a meeting; returns the week, and the webhook of a change that is on its way."""
    await reset_database(engine)
    week = Week()
    meeting = Meeting(week, "alpha", [SARAH], 1)
    meeting.create()
    change(meeting)
    created, *held = week.received_bodies([])
    await apply_batch(engine, [created])
    return week, held


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (WON, {"status": "won", "amount": 12_000, "currency": "USD"}),
        (LOST, {"status": "lost", "lost_reason": "no budget"}),
        (PROPOSAL, {"status": "active", "stage": "proposal"}),
        (AMOUNT, {"amount": 500, "currency": "EUR"}),
    ],
)
async def test_an_older_cancellation_does_not_undo_a_change(
    engine: AsyncEngine, change: DealChange, expected: dict[str, Any]
) -> None:
    week, held = await book_and_hold_back(engine, Meeting.cancel)
    result = await execute(engine, WORKSPACE, DealChanged(subject="uid:alpha", change=change), at=week.next_time())
    assert result.refused is None
    await apply_batch(engine, held)
    deal = await deal_of_alpha(engine)
    assert {name: deal[name] for name in expected} == expected
    (event,) = await fetch(engine, "SELECT state FROM inbox_events WHERE id = $1", result.event_ids[0])
    assert event["state"] == "applied"
    assert await rebuild_differences(engine) == []


async def test_the_conflict_is_in_the_timeline_with_its_reason(engine: AsyncEngine) -> None:
    week, held = await book_and_hold_back(engine, Meeting.cancel)
    await execute(engine, WORKSPACE, DealChanged(subject="uid:alpha", change=WON), at=week.next_time())
    assert await conflicts(engine) == []
    await apply_batch(engine, held)
    assert await conflicts(engine) == [("deal.conflict", "the deal is cancelled: set it to active first, then to won")]


async def test_an_outcome_with_notes_stays_and_the_meeting_counts_as_held(engine: AsyncEngine) -> None:
    week, held = await book_and_hold_back(engine, Meeting.cancel)
    report = OutcomeReported(subject="uid:alpha", outcome="showed", notes="They compare us with two others.")
    assert (await execute(engine, WORKSPACE, report, at=week.now + timedelta(days=2))).refused is None
    await apply_batch(engine, held)
    (booking,) = await fetch(engine, "SELECT status, attended, outcome, outcome_notes FROM bookings")
    assert tuple(booking) == ("ACCEPTED", True, "showed", "They compare us with two others.")
    assert (await deal_of_alpha(engine))["stage"] == "met"
    assert await conflicts(engine) == [
        ("booking.conflict", "the booking is CANCELLED: only an accepted booking can have an outcome")
    ]
    assert await rebuild_differences(engine) == []


async def test_a_deal_that_a_person_opened_takes_the_place_of_one_that_an_older_booking_opens(
    engine: AsyncEngine,
) -> None:
    await reset_database(engine)
    week = Week()
    Meeting(week, "alpha", [SARAH], 1).create()
    (held,) = week.received_bodies([])
    opened = await execute(engine, WORKSPACE, DealOpened(company=ACME, change=PROPOSAL), at=week.next_time())
    assert opened.refused is None
    await apply_batch(engine, [held])
    deals = await fetch(engine, "SELECT status, stage, opened_by FROM deals")
    assert [tuple(row) for row in deals] == [("active", "proposal", opened.event_ids[0])]
    assert (await deal_of_alpha(engine))["stage"] == "proposal"
    assert [what for what, _ in await conflicts(engine)] == ["deal.conflict"]
    assert await rebuild_differences(engine) == []


async def test_an_older_change_of_the_attendee_does_not_take_the_deal_away(engine: AsyncEngine) -> None:
    await reset_database(engine)
    week = Week()
    meeting = Meeting(week, "alpha", [SARAH], 1)
    meeting.create()
    meeting.emails = [GUS]
    meeting.reschedule()
    created, moved = week.received_bodies([])
    await apply_batch(engine, [created])
    change = DealChanged(subject="uid:alpha", change=WON)
    assert (await execute(engine, WORKSPACE, change, at=week.next_time())).refused is None
    await apply_batch(engine, [moved])
    deal = await deal_of_alpha(engine)
    assert (deal["status"], deal["amount"]) == ("won", 12_000)
    assert await rebuild_differences(engine) == []


async def test_a_newer_cancellation_still_cancels(engine: AsyncEngine) -> None:
    await reset_database(engine)
    week = Week()
    meeting = Meeting(week, "alpha", [SARAH], 1)
    meeting.create()
    command_at = week.next_time()
    meeting.cancel()
    created, cancelled = week.received_bodies([])
    await apply_batch(engine, [created])
    await execute(engine, WORKSPACE, DealChanged(subject="uid:alpha", change=AMOUNT), at=command_at)
    await apply_batch(engine, [cancelled])
    assert (await deal_of_alpha(engine))["status"] == "cancelled"
    assert await conflicts(engine) == []


def expected_fields(events: Sequence[ManualEvent]) -> dict[str, Any]:
    """Returns the values that accepted changes of the deal set, the last one first; a closed deal keeps its stage."""
    found: dict[str, Any] = {}
    for event in events:
        if isinstance(event, DealChanged):
            change = event.change
            names = ("status", "stage", "amount", "currency")
            found |= {name: value for name in names if (value := getattr(change, name)) is not None}
    return found


@given(data=st.data())
@history_settings(batches=10)
async def test_no_accepted_command_is_ever_undone(engine: AsyncEngine, data: st.DataObject) -> None:
    await reset_database(engine)
    week = Week()
    alpha, beta = Meeting(week, "alpha", [SARAH], 3), Meeting(week, "beta", [SAM], 4)
    alpha.create()
    beta.create()
    for change in data.draw(st.lists(st.sampled_from(_CHANGES), min_size=1, max_size=4)):
        change(data.draw(st.sampled_from([alpha, beta])))
    first, *others = week.received_bodies([])
    is_held = data.draw(st.lists(st.booleans(), min_size=len(others), max_size=len(others)))
    held = data.draw(st.permutations([one for one, late in zip(others, is_held, strict=True) if late]))
    await apply_batch(engine, [first, *(one for one, late in zip(others, is_held, strict=True) if not late)])
    accepted: list[ManualEvent] = []
    # After every webhook, marks of absence included.
    week.now += timedelta(days=20)
    for command in data.draw(st.lists(_COMMANDS, min_size=1, max_size=4)):
        result = await execute(engine, WORKSPACE, command, at=week.next_time())
        accepted += [] if result.refused else [command]
    for one in held:
        await apply_batch(engine, [one])
    expected = expected_fields(accepted)
    if expected:
        deal = await deal_of_alpha(engine)
        assert {name: deal[name] for name in expected} == expected
    reports = [one for one in accepted if isinstance(one, OutcomeReported)]
    if reports:
        (booking,) = await fetch(
            engine,
            "SELECT b.outcome, b.outcome_notes FROM bookings b JOIN booking_refs r ON r.booking_id = b.id"
            " WHERE r.ref = 'uid:alpha'",
        )
        assert tuple(booking) == (reports[-1].outcome, reports[-1].notes)
