"""TE7: a daily and a weekly digest, at a time of day in the workspace's zone, also when clocks change."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from showup.database.engine import driver_connection, transaction
from showup.database.tables import bookings, connections, deliveries, workspaces
from showup.digests.digest import DAILY, WEEKLY, due
from showup.digests.writer import DigestWriter
from showup.outbox.subscriptions import subscribe
from showup.reads.digest import load_digest
from tests.deliveries.scenario import DeliveryScenario
from tests.histories.webhooks import MONDAY, body, no_show_body, payload

BERLIN, NEW_YORK, KOLKATA = "Europe/Berlin", "America/New_York", "Asia/Kolkata"
HOUR = timedelta(hours=1)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "at", "first", "day"),
    [
        ("UTC", "08:00", "2026-09-07T08:00", "2026-09-07"),
        (BERLIN, "08:00", "2026-09-07T06:00", "2026-09-07"),
        (BERLIN, "08:00", "2026-10-24T06:00", "2026-10-24"),
        # Clocks go back on Sunday: eight o'clock is an hour later.
        (BERLIN, "08:00", "2026-10-25T07:00", "2026-10-25"),
        (BERLIN, "08:00", "2026-03-28T07:00", "2026-03-28"),
        # And forward in spring.
        (BERLIN, "08:00", "2026-03-29T06:00", "2026-03-29"),
        # 02:30 does not exist that night, and exists twice in autumn: one digest is enough.
        (BERLIN, "02:30", "2026-03-29T01:30", "2026-03-29"),
        (BERLIN, "02:30", "2026-10-25T00:30", "2026-10-25"),
        (NEW_YORK, "22:00", "2026-09-08T02:00", "2026-09-07"),
        (KOLKATA, "08:15", "2026-09-07T02:45", "2026-09-07"),
        ("Pacific/Kiritimati", "00:00", "2026-09-06T10:00", "2026-09-07"),
        ("Mars/Olympus", "8 am", "2026-09-07T08:00", "2026-09-07"),
    ],
)
def test_a_digest_is_due_from_its_local_hour(zone: str, at: str, first: str, day: str) -> None:
    found = due(DAILY, at, zone, moment(first))
    assert found is not None
    assert (found.day, found.due_at) == (date.fromisoformat(day), moment(first))
    before = due(DAILY, at, zone, moment(first) - timedelta(seconds=1))
    assert before is None or before.day < found.day
    later = due(DAILY, at, zone, moment(first) + HOUR)
    assert later is not None
    assert (later.key, later.due_at) == (found.key, found.due_at)


def test_a_digest_expires_after_half_a_day() -> None:
    assert due(DAILY, "08:00", "UTC", moment("2026-09-07T19:59")) is not None
    assert due(DAILY, "08:00", "UTC", moment("2026-09-07T20:00")) is None


def test_a_late_evening_digest_is_still_due_after_midnight() -> None:
    found = due(DAILY, "23:59", "UTC", moment("2026-09-08T00:30"))
    assert found is not None
    assert (found.key, found.due_at) == ("digest.daily:2026-09-07", moment("2026-09-07T23:59"))
    week = due(WEEKLY, "23:59", "UTC", moment("2026-09-08T00:30"))
    assert week is not None
    assert week.key == "digest.weekly:2026-09-07"


def test_the_weekly_digest_is_due_on_mondays() -> None:
    days = [moment("2026-09-07T09:00") + timedelta(days=n) for n in range(8)]
    assert [day.day for day in days if due(WEEKLY, None, "UTC", day)] == [7, 14]
    # In New York it is still Sunday.
    assert due(WEEKLY, "20:00", NEW_YORK, moment("2026-09-07T02:00")) is None


def test_days_follow_the_workspace_zone_even_with_25_hours() -> None:
    found = due(DAILY, "08:00", BERLIN, moment("2026-10-26T08:00"))
    assert found is not None
    assert (found.before.since, found.before.until) == (moment("2026-10-24T22:00"), moment("2026-10-25T23:00"))
    assert (found.ahead.since, found.ahead.until) == (moment("2026-10-25T23:00"), moment("2026-10-26T23:00"))
    week = due(WEEKLY, "08:00", BERLIN, moment("2026-10-26T08:00"))
    assert week is not None
    assert (week.before.since, week.ahead.until) == (moment("2026-10-18T22:00"), moment("2026-11-01T23:00"))


def created(uid: str, number: int, start: datetime, email: str, at: datetime = MONDAY) -> bytes:
    return body("BOOKING_CREATED", at, payload(uid, number, start, [email]))


async def subscribe_slack(scenario: DeliveryScenario, *kinds: str, digest_at: str = "08:00", zone: str = "UTC") -> None:
    async with transaction(scenario.engine) as tx:
        await tx.execute(update(workspaces).values(time_zone=zone))
        row = {"id": scenario.workspace, "workspace_id": scenario.workspace, "kind": "slack", "name": "team"}
        await tx.execute(connections.insert().values(**row, settings={"digest_at": digest_at}))
        await subscribe(await driver_connection(tx), scenario.workspace, "slack", kinds, scenario.now)


def digest_writer(scenario: DeliveryScenario) -> DigestWriter:
    return DigestWriter(scenario.engine, scenario.clock, load_digest)


async def digest_rows(scenario: DeliveryScenario) -> list[dict[str, Any]]:
    return [row for row in await scenario.rows(destination="slack") if row["kind"].startswith("digest.")]


async def test_a_digest_has_past_and_upcoming_meetings(scenario: DeliveryScenario) -> None:
    await subscribe_slack(scenario, DAILY)
    today, tomorrow = scenario.now.replace(hour=15), scenario.now.replace(hour=15) + timedelta(days=1)
    await scenario.receive(
        created("showed", 1, today, "ann@acme.example"),
        created("missed", 2, today, "bob@globex.example"),
        created("unsaid", 3, today, "cy@initech.example"),
        created("off", 4, tomorrow, "dee@hooli.example"),
        created("ahead", 5, tomorrow, "eve@umbrella.example"),
    )
    scenario.now += timedelta(hours=8)
    ended = payload("showed", 1, today, ["ann@acme.example"])
    await scenario.receive(
        body("MEETING_ENDED", scenario.now, ended),
        no_show_body("missed", scenario.now, "bob@globex.example"),
        body("BOOKING_CANCELLED", scenario.now, payload("off", 4, tomorrow, ["dee@hooli.example"])),
    )
    async with transaction(scenario.engine) as tx:
        row = {
            "workspace_id": scenario.workspace,
            "key": "k",
            "destination": "email",
            "kind": "confirmation",
            "state": "failed",
        }
        times = dict.fromkeys(("due_at", "wake_at", "created_at", "updated_at"), scenario.now)
        await tx.execute(deliveries.insert().values(id=scenario.workspace, booking_version=1, **row, **times))
    scenario.now = moment("2026-09-08T08:00")
    await digest_writer(scenario).write_due()
    (row,) = await digest_rows(scenario)
    assert (row["key"], row["state"]) == ("slack/digest.daily:2026-09-08", "scheduled")
    assert row["details"]["before"] == {
        "booked": 5,
        "cancelled": 1,
        "showed": 1,
        "no_show": 1,
        "unreported": 1,
        "reported": 1,
        "reported_showed": 0,
        "deals_opened": 5,
        "deals_won": 0,
        "deals_lost": 0,
        "deliveries_failed": 1,
    }
    assert row["details"]["ahead"]["meetings"] == 1
    assert row["details"]["ahead"]["first"] == [
        {"start_time": "2026-09-08T15:00:00Z", "title": "Intro call ahead", "who": "Eve (umbrella.example)"}
    ]


async def test_simulated_bookings_are_in_no_digest(scenario: DeliveryScenario) -> None:
    await subscribe_slack(scenario, DAILY)
    start = scenario.now + timedelta(days=1, hours=2)
    await scenario.receive(
        created("real", 1, start, "ann@acme.example"), created("played", 2, start, "bob@globex.example")
    )
    async with transaction(scenario.engine) as tx:
        await tx.execute(update(bookings).where(bookings.c.calcom_uid == "played").values(simulated=True))
    scenario.now = moment("2026-09-08T08:00")
    await digest_writer(scenario).write_due()
    ((before, ahead),) = [(row["details"]["before"], row["details"]["ahead"]) for row in await digest_rows(scenario)]
    assert (before["booked"], before["deals_opened"], ahead["meetings"]) == (1, 1, 1)


async def test_concurrent_workers_write_a_digest_once(scenario: DeliveryScenario) -> None:
    await subscribe_slack(scenario, DAILY, WEEKLY)
    scenario.now = moment("2026-09-14T08:00")
    await asyncio.gather(*(digest_writer(scenario).write_due() for _ in range(4)))
    await digest_writer(scenario).write_due()
    assert sorted(row["key"] for row in await digest_rows(scenario)) == [
        "slack/digest.daily:2026-09-14",
        "slack/digest.weekly:2026-09-14",
    ]


async def test_a_new_subscriber_waits_for_the_next_digest(scenario: DeliveryScenario) -> None:
    assert scenario.now == moment("2026-09-07T09:00")
    await subscribe_slack(scenario, DAILY)
    await digest_writer(scenario).write_due()
    assert await digest_rows(scenario) == []
    scenario.now = moment("2026-09-08T08:00")
    await digest_writer(scenario).write_due()
    assert len(await digest_rows(scenario)) == 1


async def test_a_digest_is_written_at_the_configured_local_hour(scenario: DeliveryScenario) -> None:
    await subscribe_slack(scenario, DAILY, digest_at="07:30", zone=NEW_YORK)
    for now, count in (("2026-09-08T11:29", 0), ("2026-09-08T11:30", 1), ("2026-09-08T12:30", 1)):
        scenario.now = moment(now)
        await digest_writer(scenario).write_due()
        assert len(await digest_rows(scenario)) == count, now


async def test_each_day_has_one_digest_across_a_clock_change(scenario: DeliveryScenario) -> None:
    await subscribe_slack(scenario, DAILY, zone=BERLIN)
    scenario.now = moment("2026-10-24T00:07")
    while scenario.now < moment("2026-10-27T00:00"):
        await digest_writer(scenario).write_due()
        scenario.now += HOUR / 2
    assert [(row["key"][-10:], f"{row['due_at']:%H:%M}") for row in await digest_rows(scenario)] == [
        ("2026-10-24", "06:07"),
        ("2026-10-25", "07:07"),
        ("2026-10-26", "07:07"),
    ]


async def test_without_a_subscription_no_digest_is_written(scenario: DeliveryScenario) -> None:
    await subscribe_slack(scenario, "booking.created")
    scenario.now = moment("2026-09-14T08:00")
    await digest_writer(scenario).write_due()
    assert await digest_rows(scenario) == []
