"""Seed 003 from end to end: its five dry-run suites and its integration points by name, with Notion at the end.

What they say of payload, timing and validation alone is in tests/pipeline/test_seed_003.py.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import system_clock
from showup.database.engine import connect
from showup.destinations.contract import TryAgain
from showup.destinations.notion.connect import KIND
from showup.inbox.apply import apply_some
from showup.pipeline.rules import Rules
from showup.policy import RemindersPolicy
from tests.destinations.far.faults import Faults
from tests.destinations.far.notion import FarNotion
from tests.destinations.wired import Wired
from tests.door.conftest import Sender
from tests.door.conftest import accounts as accounts
from tests.door.conftest import door as door
from tests.stories.webhooks import MONDAY, body, payload

EMAIL = "customer@example.com"
OLDER_PATH = "/webhook/calcom-booking"
REMINDERS = {"72h": "Email 5 Sent", "24h": "Email 6 Sent", "2h": "Email 7 Sent"}
TESTING_REMINDERS = {"6m": "Email 5 Sent", "3m": "Email 6 Sent", "1m": "Email 7 Sent"}


@pytest.fixture
def far() -> Iterator[FarNotion]:
    with FarNotion(email=EMAIL) as far:
        yield far
    assert far.wrong == []


def settings(far: FarNotion, **more: Any) -> dict[str, Any]:
    return {
        "api_url": far.url,
        "contacts_database": far.contacts,
        "sequences_database": far.sequences,
        "sequence_reminder_properties": REMINDERS,
        **more,
    }


@pytest.fixture
async def post(
    engine: AsyncEngine, workspace: UUID, account: UUID, client: httpx2.AsyncClient, far: FarNotion
) -> Wired:
    post = Wired(engine, workspace, account, client)
    await post.connect(KIND, settings(far), {"token": far.key})
    return post


def booked(start: datetime) -> bytes:
    return body("BOOKING_CREATED", MONDAY, payload("one", 1, start, [EMAIL]))


def seeds_own(start_time: str, attendees: Any = ({"email": EMAIL, "name": "Customer"},)) -> bytes:
    """The seed's own example: a booking within the payload, and no uid."""
    booking = {"startTime": start_time, "attendees": attendees}
    return json.dumps({"triggerEvent": "BOOKING_CREATED", "payload": {"booking": booking}}).encode()


async def told(post: Wired, kind: str = "booking.created") -> dict[str, Any]:
    """What Notion was told of it, as people see it."""
    [row] = await post.rows(destination="notion", kind=kind)
    return row


class TestMeetingTimeValidation:
    async def test_three_days_ahead_is_reminded_of(self, post: Wired, far: FarNotion) -> None:
        await post.hear(booked(post.now + timedelta(hours=73)))
        await post.tell()
        assert [row["state"] for row in await post.rows(kind="remind")] == ["scheduled"] * 3
        assert far.says(far.contact)["Booking Status"] == "Booked"

    async def test_one_hour_ahead_is_too_soon_for_that_and_notion_is_told_all_the_same(
        self, post: Wired, far: FarNotion
    ) -> None:
        await post.hear(booked(post.now + timedelta(hours=1)))
        await post.tell()
        skipped = await post.one("remind")
        assert (skipped["state"], skipped["because"]) == ("skipped", "meeting_too_soon")
        assert far.says(far.contact)["Booking Status"] == "Booked"


class TestReminderTimingCalculations:
    async def test_production(self, post: Wired, far: FarNotion) -> None:
        start = post.now + timedelta(hours=100)
        await post.hear(booked(start))
        await post.tell()
        for hours in (28, 48, 22):
            await post.tell(hours=hours)
        sent = {name: far.says(far.sequence)[name] for name in REMINDERS.values()}
        assert sent == {
            "Email 5 Sent": f"{start - timedelta(hours=72):%Y-%m-%dT%H:%M:%SZ}",
            "Email 6 Sent": f"{start - timedelta(hours=24):%Y-%m-%dT%H:%M:%SZ}",
            "Email 7 Sent": f"{start - timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}",
        }

    async def test_testing(self, post: Wired, far: FarNotion) -> None:
        await post.rule(Rules(remind_before=RemindersPolicy().testing_offsets_before))
        await post.connect(KIND, settings(far, sequence_reminder_properties=TESTING_REMINDERS), {"token": far.key})
        start = post.now + timedelta(minutes=10)
        await post.hear(booked(start))
        for minutes in (4, 3, 2):
            await post.tell(minutes=minutes)
        assert [far.says(far.sequence)[name][14:16] for name in TESTING_REMINDERS.values()] == ["04", "07", "09"]

    async def test_one_that_is_not_sent_is_not_written(self, post: Wired, far: FarNotion) -> None:
        start = post.now + timedelta(hours=30)
        await post.hear(booked(start))
        await post.tell()
        post.far.down = TryAgain(because="it answers 500", fault="destination")
        await post.tell(hours=6)
        assert "Email 6 Sent" not in far.says(far.sequence)


@pytest.mark.parametrize(
    ("start_time", "zone", "call_date"),
    [
        ("2026-09-10T14:00:00Z", "UTC", "2026-09-10"),
        ("2026-09-10T14:00:00.000Z", "Europe/Berlin", "2026-09-10"),
        ("2026-09-10T22:30:00+00:00", "Europe/Berlin", "2026-09-11"),
        ("2026-09-10T23:30:00-05:00", "UTC", "2026-09-11"),
        ("2026-09-10T23:30:00-05:00", "America/New_York", "2026-09-11"),
        ("2026-09-10T23:30:00-05:00", "America/Chicago", "2026-09-10"),
        ("2026-09-10T14:00:00", "UTC", "2026-09-10"),
    ],
)
async def test_call_date_extraction(post: Wired, far: FarNotion, start_time: str, zone: str, call_date: str) -> None:
    post.time_zone = zone
    await post.hear(seeds_own(start_time))
    await post.tell()
    assert far.says(far.contact)["Diagnostic Call Date"] == call_date


class TestCalcomPayloadStructure:
    async def test_the_seeds_example_updates_notion(self, post: Wired, far: FarNotion) -> None:
        await post.hear(seeds_own("2026-09-10T14:00:00Z"))
        await post.tell()
        assert far.says(far.contact) == {
            "Name": "Ann",
            "Email": EMAIL,
            "Booking Status": "Booked",
            "Diagnostic Call Date": "2026-09-10",
            "Christmas Campaign Status": "Pre-Call Prep",
        }

    @pytest.mark.parametrize("attendees", [[], None, [{"name": "Nobody"}]])
    async def test_without_attendees_nothing_is_told(self, post: Wired, far: FarNotion, attendees: Any) -> None:
        await post.hear(seeds_own("2026-09-10T14:00:00Z", attendees))
        await post.tell()
        assert far.calls == []


class TestFlowReturnStructure:
    """What the flow returned, as deliveries show it."""

    async def test_top_level_scheduler_and_notion_results(self, post: Wired, far: FarNotion) -> None:
        start = post.now + timedelta(days=5)
        await post.hear(booked(start))
        await post.tell()

        scheduled = await post.rows(destination="email", kind="remind")
        assert [(row["recipient"], row["due_at"]) for row in scheduled] == [
            (EMAIL, start - timedelta(hours=hours)) for hours in (72, 24, 2)
        ]
        row = await told(post)
        assert (row["state"], row["provider"], row["record"]) == ("delivered", "notion", far.contact)
        assert row["found"] == {
            "contact_id": far.contact,
            "sequence_id": far.sequence,
            "campaign": "Christmas 2025",
        }

    async def test_a_contact_that_is_not_there_is_in_it(self, post: Wired, far: FarNotion) -> None:
        far.page(far.contact).in_trash = True
        await post.hear(booked(post.now + timedelta(days=5)))
        await post.tell()
        row = await told(post)
        assert (row["state"], row["found"]["contact_id"]) == ("delivered", None)
        assert row["found"]["notes"] == ["no page of the contact database has this email"]


class TestIntegrationPoints:
    async def test_calcom_to_webhook(self, door: Sender) -> None:
        """Extraction, filtering and errors at the seed's own address."""
        accepted = await door.send(seeds_own("2026-11-25T14:00:00Z"), path=OLDER_PATH)
        assert (accepted.status_code, accepted.json()["email"], accepted.json()["name"]) == (202, EMAIL, "Customer")
        ignored = await door.send(body("BOOKING_CANCELLED", MONDAY, payload("x", 9, MONDAY, [EMAIL])), path=OLDER_PATH)
        assert (ignored.status_code, ignored.json()["status"]) == (200, "ignored")
        assert (await door.send(seeds_own("soon"), path=OLDER_PATH)).status_code == 400

    async def test_webhook_to_flow(self, door: Sender, post: Wired, far: FarNotion) -> None:
        """It is answered before anybody is told, and told from what was kept."""
        post.now = system_clock()
        await post.connect(KIND, settings(far), {"token": far.key})
        start = post.now + timedelta(days=4)
        answer = await door.send(seeds_own(f"{start:%Y-%m-%dT%H:%M:%SZ}"), path=OLDER_PATH)
        assert answer.status_code == 202
        assert far.calls == []
        post.now = system_clock()
        while await apply_some(post.engine, post.workspace, post.clock):
            pass
        await post.tell(seconds=1)
        assert far.says(far.contact)["Diagnostic Call Date"] == f"{start:%Y-%m-%d}"

    async def test_flow_to_scheduled_reminders(self, post: Wired) -> None:
        """Three runs at moments in UTC, whatever zone the booking was made in; moved with it, and gone with it."""
        await post.hear(seeds_own("2026-09-14T23:30:00-05:00"))
        due = [row["due_at"] for row in await post.rows(kind="remind")]
        start = datetime(2026, 9, 15, 4, 30, tzinfo=UTC)
        assert due == [start - timedelta(hours=hours) for hours in (72, 24, 2)]

    async def test_flow_to_notion(self, post: Wired, far: FarNotion) -> None:
        """Search, call date, booking status and campaign; then a new time, and the end of it."""
        start = post.now + timedelta(days=3)
        await post.hear(booked(start))
        await post.tell(minutes=1)
        moved = start + timedelta(days=2)
        again = payload("two", 2, moved, [EMAIL], rescheduleUid="one")
        await post.hear(body("BOOKING_RESCHEDULED", post.now, again))
        await post.tell(minutes=1)
        assert far.says(far.contact)["Diagnostic Call Date"] == f"{moved:%Y-%m-%d}"
        await post.hear(body("BOOKING_CANCELLED", post.now, payload("two", 2, moved, [EMAIL])))
        await post.tell(minutes=1)
        assert far.says(far.contact)["Booking Status"] == "Cancelled"
        kinds = [row["kind"] for row in await post.rows(destination="notion", state="delivered")]
        assert kinds == ["booking.created", "booking.rescheduled", "booking.cancelled"]

    async def test_an_error_of_notions_blocks_nothing(self, post: Wired, far: FarNotion) -> None:
        far.faults = Faults({"500": 1.0})
        await post.hear(booked(post.now + timedelta(days=3)))
        await post.tell()
        assert post.far.kinds == ["confirm"]
        row = await told(post)
        assert (row["state"], row["because"]) == ("scheduled", "Notion is out of order: Unexpected error occurred.")
        far.faults = Faults()
        await post.tell(minutes=1)
        assert (await told(post))["state"] == "delivered"

    async def test_a_token_that_is_put_right_later_loses_nothing(self, post: Wired, far: FarNotion) -> None:
        await post.connect(KIND, settings(far), {"token": "ntn_wrong"})
        await post.hear(booked(post.now + timedelta(days=3)))
        await post.tell()
        assert "Put NOTION_TOKEN" in (await told(post))["because"]
        await post.connect(KIND, settings(far), {"token": far.key})
        await post.tell(minutes=1)
        assert far.says(far.contact)["Booking Status"] == "Booked"

    async def test_state_portability(
        self, post: Wired, far: FarNotion, database_url: str, account: UUID, client: httpx2.AsyncClient
    ) -> None:
        """Another server goes on from the database: nothing is lost, and nothing is told twice."""
        start = post.now + timedelta(hours=80)
        await post.hear(booked(start))
        await post.tell()
        once = far.effects
        engine = connect(database_url, pool_size=5)
        try:
            other = Wired(engine, post.workspace, account, client)
            other.now = post.now
            await other.connect(KIND, settings(far), {"token": far.key})
            await other.tell(seconds=1)
            assert far.effects == once
            await other.tell(hours=8)
            assert other.far.kinds == ["remind"]
        finally:
            await engine.dispose()
        assert far.says(far.sequence)["Email 5 Sent"] == f"{start - timedelta(hours=72, seconds=-1):%Y-%m-%dT%H:%M:%SZ}"
