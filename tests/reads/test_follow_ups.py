"""TE11: the effect of follow-ups of missed meetings."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access.permission import Permission
from showup.database import tables
from showup.database.engine import transaction
from showup.reads.follow_ups import count_follow_ups
from tests.web.sample_data import EMAILS, SampleData, add_booking, add_person, add_workspaces_and_keys, id_of, utc

SENT = utc("2026-03-09T09:00")


def missed_meeting_scenario(*, missed_by: str = "gina") -> SampleData:
    """Return sample data: a person missed a meeting on 8 March and received a follow-up mail a day later."""
    scenario = SampleData()
    add_workspaces_and_keys(scenario)
    for person_name in ("gina", "pat"):
        add_person(scenario, "ours", person_name, EMAILS[person_name], None, None)
    add_booking(scenario, "ours", "missed", "2026-03-08T10:00", person_name=missed_by, showed=False, company_id=None)
    follow_up(scenario, "first", missed_by)
    return scenario


def follow_up(scenario: SampleData, key: str, recipient: str, **overrides: Any) -> None:
    row = {
        "id": f"ours.{key}",
        "workspace_id": "ours",
        "booking_id": "ours.missed",
        "event_id": "ours.report",
        "key": key,
        "destination": "email",
        "kind": "no_show",
        "recipient": EMAILS[recipient],
        "booking_version": 1,
        "state": "delivered",
        "delivered_at": SENT,
    }
    times = dict.fromkeys(("due_at", "wake_at", "created_at", "updated_at"), SENT)
    scenario.add(tables.deliveries, **row | times | overrides)


def add_later_booking(scenario: SampleData, noun: str, after: timedelta, person_name: str = "gina") -> None:
    add_booking(
        scenario, "ours", noun, "2026-05-01T10:00", person_name=person_name, company_id=None, booked_at=SENT + after
    )


async def count_sent_and_recovered(
    engine: AsyncEngine, scenario: SampleData, workspace: str = "ours"
) -> tuple[int, int]:
    await scenario.insert_into(engine)
    permission = Permission(actor="key:reader", scope="read", workspace_id=id_of(workspace))
    async with transaction(engine) as tx:
        found = await count_follow_ups(tx, permission)
    return found["sent"], found["recovered"]


async def test_a_new_booking_soon_after_it_counts_as_recovered(engine: AsyncEngine) -> None:
    scenario = missed_meeting_scenario()
    add_later_booking(scenario, "new", timedelta(days=2))
    add_later_booking(scenario, "newer", timedelta(days=3))
    assert await count_sent_and_recovered(engine, scenario) == (1, 1)


@pytest.mark.parametrize(("days", "recovered"), [(-1, 0), (2, 1), (31, 0)])
async def test_a_reschedule_of_the_missed_meeting_counts_too(engine: AsyncEngine, days: int, recovered: int) -> None:
    scenario = missed_meeting_scenario()
    position = next(position for position, (table, _) in enumerate(scenario.rows) if table is tables.bookings)
    row = scenario.rows[position][1]
    moved = {"uid": "other", "since": f"{SENT + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"}
    scenario.rows[position] = (
        tables.bookings,
        row | {"version": 2, "uids": [{"uid": "uid-missed", "since": None}, moved]},
    )
    assert await count_sent_and_recovered(engine, scenario) == (1, recovered)


async def test_a_booking_before_it_or_long_after_it_does_not_count(engine: AsyncEngine) -> None:
    scenario = missed_meeting_scenario()
    add_later_booking(scenario, "before", timedelta(seconds=-1))
    add_later_booking(scenario, "late", timedelta(days=30, seconds=1))
    add_later_booking(scenario, "other_person", timedelta(days=2), person_name="pat")
    assert await count_sent_and_recovered(engine, scenario) == (1, 0)


async def test_a_booking_under_another_address_counts(engine: AsyncEngine) -> None:
    """PI12: a booking under another address of a merged person counts."""
    scenario = missed_meeting_scenario()
    add_later_booking(scenario, "new", timedelta(days=2))
    table, row = scenario.rows[-1]
    scenario.rows[-1] = (table, row | {"email": "gina@home.example"})
    assert await count_sent_and_recovered(engine, scenario) == (1, 1)


async def test_unsent_follow_ups_do_not_count(engine: AsyncEngine) -> None:
    scenario = missed_meeting_scenario()
    for state in ("scheduled", "sending", "failed", "withdrawn", "skipped"):
        follow_up(scenario, state, "gina", state=state, delivered_at=None)
    follow_up(scenario, "of_another_kind", "gina", kind="confirmation")
    assert await count_sent_and_recovered(engine, scenario) == (1, 0)


async def test_nothing_of_another_workspace_counts(engine: AsyncEngine) -> None:
    scenario = missed_meeting_scenario()
    add_later_booking(scenario, "new", timedelta(days=2))
    assert await count_sent_and_recovered(engine, scenario, "theirs") == (0, 0)
