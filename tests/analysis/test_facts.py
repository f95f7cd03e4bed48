"""CA8: the facts about meetings and stages that the analysis counts, saved with each change."""

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.analysis.facts import StageStep, last_value, stage_visits
from showup.database.engine import transaction
from showup.events.booking import OutcomeReported
from tests.campaigns.scenario import START, CampaignScenario
from tests.histories.calcom_week import SAM, SARAH, Meeting, Week
from tests.histories.rebuild_check import rebuild_differences
from tests.histories.table_contents import apply_history, new_account
from tests.histories.webhooks import MONDAY, attendee
from tests.rebuild.conftest import fetch_rows

HOUR = timedelta(hours=1)


@pytest.fixture
async def scenario(engine: AsyncEngine, tmp_path: Path) -> CampaignScenario:
    found = CampaignScenario(engine, await new_account(engine), tmp_path)
    async with transaction(engine) as tx:
        await tx.execute(text("UPDATE workspaces SET time_zone = 'Pacific/Auckland'"))
    return found


async def facts(scenario: CampaignScenario, *columns: str) -> dict[str, Any]:
    """Returns columns of the facts by the booking's uid; a single column as its value."""
    rows = await scenario.rows(
        f"""
        SELECT b.calcom_uid, {", ".join(f"f.{name}" for name in columns)}
        FROM booking_facts f JOIN bookings b ON b.id = f.booking_id WHERE f.workspace_id = $1
        """  # noqa: S608  # our own names
    )
    return {row[0]: row[1:] if len(columns) > 1 else row[1] for row in rows}


async def test_days_are_the_workspaces_and_hours_the_attendees(scenario: CampaignScenario) -> None:
    for uid, zone in (("one", "Asia/Kolkata"), ("two", "America/New_York")):
        await scenario.book(uid, attendee(f"{uid}@acme.example", zone=zone))
    days = START.astimezone(ZoneInfo("Pacific/Auckland")).date(), MONDAY.astimezone(ZoneInfo("Pacific/Auckland")).date()
    ahead = (days[0] - days[1]).days
    assert days[0] != START.date(), "the scenario's meeting is on another day there"
    found = await facts(scenario, "day", "booked_day", "lead_days", "lead_hours", "attendee_hour", "state")
    hours = (START - MONDAY) // HOUR
    assert found == {
        "one": (*days, ahead, hours, START.astimezone(ZoneInfo("Asia/Kolkata")).hour, "open"),
        "two": (*days, ahead, hours, START.astimezone(ZoneInfo("America/New_York")).hour, "open"),
    }


async def test_the_hours_before_are_those_from_the_change_to_the_start_that_it_gave_up(
    scenario: CampaignScenario,
) -> None:
    await scenario.book("one", "amara@acme.example")
    await scenario.book("two", "lee@globex.example")
    await scenario.book("two", "lee@globex.example", at=START - 3 * HOUR, trigger="BOOKING_CANCELLED")
    await scenario.book(
        "onf",
        "amara@acme.example",
        at=START - 30 * HOUR,
        trigger="BOOKING_RESCHEDULED",
        rescheduleUid="one",
        rescheduleStartTime=START.isoformat(),
        rescheduleEndTime=(START + HOUR).isoformat(),
    )
    assert await facts(scenario, "state", "moves", "cancelled_before", "moved_before") == {
        "onf": ("open", 1, None, 30),
        "two": ("cancelled", 0, 3, None),
    }
    assert await scenario.rebuild_differences() == []


async def test_stages_are_saved_with_the_deals_changes(scenario: CampaignScenario) -> None:
    await scenario.book("one", "amara@acme.example")
    scenario.now = START + HOUR
    await scenario.execute(OutcomeReported(subject="uid:one", outcome="showed"))
    query = "SELECT position, stage, outcome, organizer, source FROM stage_visits WHERE workspace_id = $1 ORDER BY 1"
    organizer = "ben@outbound.example"
    assert await scenario.rows(query) == [
        (0, "booked", "onward", organizer, "website"),
        (1, "met", "open", organizer, "website"),
    ]
    await scenario.import_rows("Founders", [{"email": "amara@acme.example"}])
    assert {row[4] for row in await scenario.rows(query)} == {"campaign"}
    assert await scenario.rebuild_differences() == []


async def test_a_stage_goes_with_the_last_change_that_entered_it(engine: AsyncEngine) -> None:
    """PI10: a late reschedule shows that nobody met at the time of the deal's second meeting."""
    week = Week()
    first, second = Meeting(week, "alpha", [SARAH], 1), Meeting(week, "beta", [SAM], 2)
    first.create()
    second.create()
    second.unmark()
    second.reschedule()
    await apply_history(engine, week.received_bodies([]))
    query = "SELECT stage, outcome FROM stage_visits"
    assert [*map(tuple, await fetch_rows(engine, query))] == [("booked", "open")]
    assert await rebuild_differences(engine) == []


@pytest.mark.parametrize("is_imported_first", [True, False])
async def test_interest_counts_whatever_comes_first(scenario: CampaignScenario, *, is_imported_first: bool) -> None:
    async def import_lead(interested_at: datetime) -> None:
        rows = [{"email": "amara@acme.example", "interested_at": interested_at.isoformat()}]
        await scenario.import_rows("Founders", rows)

    if is_imported_first:
        await import_lead(MONDAY - 50 * HOUR)
    await scenario.book("one", "amara@acme.example")
    if not is_imported_first:
        await import_lead(MONDAY - 50 * HOUR)
    assert await facts(scenario, "source", "interest_hours") == {"one": ("campaign", 50)}
    await import_lead(MONDAY - 70 * HOUR)
    assert await facts(scenario, "interest_hours") == {"one": 70}
    assert await scenario.rebuild_differences() == []


async def test_an_interest_after_the_booking_did_not_lead_to_it(scenario: CampaignScenario) -> None:
    await scenario.book("one", "amara@acme.example")
    at = (MONDAY + HOUR).isoformat()
    await scenario.import_rows("Founders", [{"email": "amara@acme.example", "interested_at": at}])
    assert await facts(scenario, "source", "interest_hours") == {"one": ("campaign", None)}


def step(hours: int, stage: str | None = None, status: str | None = None) -> StageStep:
    return StageStep(at=datetime(2026, 9, 7, tzinfo=UTC) + hours * HOUR, stage=stage, status=status)


@pytest.mark.parametrize(
    ("steps", "visits"),
    [
        ([step(0, "booked", "active")], [("booked", "open", None)]),
        ([step(0, "booked", "active"), step(5, "met")], [("booked", "onward", 5), ("met", "open", None)]),
        (
            [step(0, "booked", "active"), step(5, "met"), step(6, "booked")],
            [("booked", "onward", 5), ("met", "back", 1), ("booked", "open", None)],
        ),
        ([step(0, "booked", "active"), step(2, status="won")], [("booked", "won", 2)]),
        (
            [step(0, "booked", "active"), step(2, status="lost"), step(9, status="active")],
            [("booked", "lost", 2), ("booked", "open", None)],
        ),
        ([step(0, "booked", "active"), step(1, "met", "won")], [("booked", "won", 1)]),
        ([], []),
    ],
)
def test_a_deal_stays_in_a_stage_until_it_moves_or_closes(
    steps: list[StageStep], visits: list[tuple[str, str, int | None]]
) -> None:
    assert [(one.stage, one.outcome, one.hours) for one in stage_visits(steps)] == visits


@given(values=st.lists(st.sampled_from(["booked", "met", "proposal"]), min_size=1, max_size=6), data=st.data())
def test_the_last_value_of_changes_does_not_depend_on_their_order(values: list[str], data: st.DataObject) -> None:
    changes = data.draw(st.permutations(list(itertools.pairwise(values))))
    expected = None if values[0] == values[-1] else values[-1]
    assert last_value([before for before, _ in changes], [after for _, after in changes]) == expected


def test_the_last_value_of_a_new_deal_ignores_changes_of_something_else() -> None:
    assert last_value([None, "booked", None], [None, "met", "booked"]) == "met"
