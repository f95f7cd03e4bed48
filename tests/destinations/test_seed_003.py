"""Seed 003 from end to end: its five dry-run suites and its integration points by name, with Notion as the last step.

tests/pipeline/test_seed_003.py has the parts about payload, timing and validation only.
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
from showup.container import event_handlers
from showup.database.engine import connect
from showup.destinations.contract import TryAgain
from showup.destinations.notion.health import KIND
from showup.inbox.apply import apply_pending
from showup.policy import Policy
from tests.destinations.connected_scenario import ConnectedScenario
from tests.destinations.fake_vendors.notion import FakeNotion
from tests.histories.webhooks import MONDAY, body, payload
from tests.ingest.conftest import WebhookSender
from tests.ingest.conftest import accounts as accounts
from tests.ingest.conftest import sender as sender
from tests.vendors.faults import Faults

EMAIL = "customer@example.com"
OLDER_PATH = "/webhook/calcom-booking"
REMINDERS = {"72h": "Email 5 Sent", "24h": "Email 6 Sent", "2h": "Email 7 Sent"}
TESTING_REMINDERS = {"6m": "Email 5 Sent", "3m": "Email 6 Sent", "1m": "Email 7 Sent"}


@pytest.fixture
def fake() -> Iterator[FakeNotion]:
    with FakeNotion(email=EMAIL) as fake:
        yield fake


def settings(fake: FakeNotion, **more: Any) -> dict[str, Any]:
    return {
        "api_url": fake.url,
        "contacts_database": fake.contacts,
        "sequences_database": fake.sequences,
        "sequence_reminder_properties": REMINDERS,
        **more,
    }


@pytest.fixture
async def scenario(
    engine: AsyncEngine, workspace: UUID, account: UUID, client: httpx2.AsyncClient, fake: FakeNotion
) -> ConnectedScenario:
    scenario = ConnectedScenario(engine, workspace, account, client)
    await scenario.connect(KIND, settings(fake), {"token": fake.key})
    return scenario


def booked(start: datetime) -> bytes:
    return body("BOOKING_CREATED", MONDAY, payload("one", 1, start, [EMAIL]))


def seeds_own(start_time: str, attendees: Any = ({"email": EMAIL, "name": "Customer"},)) -> bytes:
    """Returns the seed's own example: a booking within the payload, without a uid."""
    booking = {"startTime": start_time, "attendees": attendees}
    return json.dumps({"triggerEvent": "BOOKING_CREATED", "payload": {"booking": booking}}).encode()


async def delivery_of(scenario: ConnectedScenario, kind: str = "booking.created") -> dict[str, Any]:
    """Returns the delivery to Notion, as the API shows it."""
    [row] = await scenario.rows(destination="notion", kind=kind)
    return row


class TestMeetingTimeValidation:
    async def test_three_days_ahead_is_reminded_of(self, scenario: ConnectedScenario, fake: FakeNotion) -> None:
        await scenario.receive(booked(scenario.now + timedelta(hours=73)))
        await scenario.deliver_due()
        assert [row["state"] for row in await scenario.rows(kind="reminder")] == ["scheduled"] * 3
        assert fake.properties_of(fake.contact)["Booking Status"] == "Booked"

    async def test_one_hour_ahead_has_no_reminder_but_notion_is_still_updated(
        self, scenario: ConnectedScenario, fake: FakeNotion
    ) -> None:
        await scenario.receive(booked(scenario.now + timedelta(hours=1)))
        await scenario.deliver_due()
        skipped = await scenario.row_of("reminder")
        assert (skipped["state"], skipped["because"]) == ("skipped", "meeting_too_soon")
        assert fake.properties_of(fake.contact)["Booking Status"] == "Booked"


class TestReminderTimingCalculations:
    async def test_production(self, scenario: ConnectedScenario, fake: FakeNotion) -> None:
        start = scenario.now + timedelta(hours=100)
        await scenario.receive(booked(start))
        await scenario.deliver_due()
        for hours in (28, 48, 22):
            await scenario.deliver_due(hours=hours)
        sent = {name: fake.properties_of(fake.sequence)[name] for name in REMINDERS.values()}
        assert sent == {
            "Email 5 Sent": f"{start - timedelta(hours=72):%Y-%m-%dT%H:%M:%SZ}",
            "Email 6 Sent": f"{start - timedelta(hours=24):%Y-%m-%dT%H:%M:%SZ}",
            "Email 7 Sent": f"{start - timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}",
        }

    async def test_testing(self, scenario: ConnectedScenario, fake: FakeNotion) -> None:
        await scenario.set_rules(Policy().rules(testing=True))
        await scenario.connect(
            KIND, settings(fake, sequence_reminder_properties=TESTING_REMINDERS), {"token": fake.key}
        )
        start = scenario.now + timedelta(minutes=10)
        await scenario.receive(booked(start))
        for minutes in (4, 3, 2):
            await scenario.deliver_due(minutes=minutes)
        assert [fake.properties_of(fake.sequence)[name][14:16] for name in TESTING_REMINDERS.values()] == [
            "04",
            "07",
            "09",
        ]

    async def test_one_that_is_not_sent_is_not_written(self, scenario: ConnectedScenario, fake: FakeNotion) -> None:
        start = scenario.now + timedelta(hours=30)
        await scenario.receive(booked(start))
        await scenario.deliver_due()
        scenario.fake_destination.down = TryAgain(because="it answers 500", fault="destination")
        await scenario.deliver_due(hours=6)
        assert "Email 6 Sent" not in fake.properties_of(fake.sequence)


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
async def test_call_date_extraction(
    scenario: ConnectedScenario, fake: FakeNotion, start_time: str, zone: str, call_date: str
) -> None:
    scenario.time_zone = zone
    await scenario.receive(seeds_own(start_time))
    await scenario.deliver_due()
    assert fake.properties_of(fake.contact)["Diagnostic Call Date"] == call_date


class TestCalcomPayloadStructure:
    async def test_the_seeds_example_updates_notion(self, scenario: ConnectedScenario, fake: FakeNotion) -> None:
        await scenario.receive(seeds_own("2026-09-10T14:00:00Z"))
        await scenario.deliver_due()
        assert fake.properties_of(fake.contact) == {
            "Name": "Ann",
            "Email": EMAIL,
            "Booking Status": "Booked",
            "Diagnostic Call Date": "2026-09-10",
            "Christmas Campaign Status": "Pre-Call Prep",
        }

    @pytest.mark.parametrize("attendees", [[], None, [{"name": "Nobody"}]])
    async def test_without_attendees_nothing_is_sent(
        self, scenario: ConnectedScenario, fake: FakeNotion, attendees: Any
    ) -> None:
        await scenario.receive(seeds_own("2026-09-10T14:00:00Z", attendees))
        await scenario.deliver_due()
        assert fake.calls == []


class TestFlowReturnStructure:
    """The flow's return values, in deliveries."""

    async def test_top_level_scheduler_and_notion_results(self, scenario: ConnectedScenario, fake: FakeNotion) -> None:
        start = scenario.now + timedelta(days=5)
        await scenario.receive(booked(start))
        await scenario.deliver_due()

        scheduled = await scenario.rows(destination="email", kind="reminder")
        assert [(row["recipient"], row["due_at"]) for row in scheduled] == [
            (EMAIL, start - timedelta(hours=hours)) for hours in (72, 24, 2)
        ]
        row = await delivery_of(scenario)
        assert (row["state"], row["provider"], row["record"]) == ("delivered", "notion", fake.contact)
        assert row["found"] == {
            "contact_id": fake.contact,
            "set": {"status": "Booked", "call_date": f"{start:%Y-%m-%d}"},
            "sequence_id": fake.sequence,
            "campaign": "Christmas 2025",
        }

    async def test_a_contact_that_is_not_there_is_in_it(self, scenario: ConnectedScenario, fake: FakeNotion) -> None:
        fake.page(fake.contact).in_trash = True
        await scenario.receive(booked(scenario.now + timedelta(days=5)))
        await scenario.deliver_due()
        row = await delivery_of(scenario)
        assert (row["state"], row["found"]["contact_id"]) == ("delivered", None)
        assert row["found"]["notes"] == ["no page in the contact database has this email"]


class TestIntegrationPoints:
    async def test_calcom_to_webhook(self, sender: WebhookSender) -> None:
        """Extraction, filtering and errors at the seed's own URL."""
        accepted = await sender.send(seeds_own("2026-11-25T14:00:00Z"), path=OLDER_PATH)
        assert (accepted.status_code, accepted.json()["email"], accepted.json()["name"]) == (202, EMAIL, "Customer")
        ignored = await sender.send(
            body("BOOKING_CANCELLED", MONDAY, payload("x", 9, MONDAY, [EMAIL])), path=OLDER_PATH
        )
        assert (ignored.status_code, ignored.json()["status"]) == (200, "ignored")
        assert (await sender.send(seeds_own("soon"), path=OLDER_PATH)).status_code == 400

    async def test_webhook_to_flow(self, sender: WebhookSender, scenario: ConnectedScenario, fake: FakeNotion) -> None:
        """The webhook is answered before any delivery, and deliveries use the stored event."""
        scenario.now = system_clock()
        await scenario.connect(KIND, settings(fake), {"token": fake.key})
        start = scenario.now + timedelta(days=4)
        response = await sender.send(seeds_own(f"{start:%Y-%m-%dT%H:%M:%SZ}"), path=OLDER_PATH)
        assert response.status_code == 202
        assert fake.calls == []
        scenario.now = system_clock()
        while await apply_pending(scenario.engine, scenario.workspace, scenario.clock, event_handlers()):
            pass
        await scenario.deliver_due(seconds=1)
        assert fake.properties_of(fake.contact)["Diagnostic Call Date"] == f"{start:%Y-%m-%d}"

    async def test_flow_to_scheduled_reminders(self, scenario: ConnectedScenario) -> None:
        """Three reminders at times in UTC, for any zone of the booking; they move with it and are withdrawn with it."""
        await scenario.receive(seeds_own("2026-09-14T23:30:00-05:00"))
        due = [row["due_at"] for row in await scenario.rows(kind="reminder")]
        start = datetime(2026, 9, 15, 4, 30, tzinfo=UTC)
        assert due == [start - timedelta(hours=hours) for hours in (72, 24, 2)]

    async def test_flow_to_notion(self, scenario: ConnectedScenario, fake: FakeNotion) -> None:
        """Search, call date, booking status and campaign; then a new time, and a cancellation."""
        start = scenario.now + timedelta(days=3)
        await scenario.receive(booked(start))
        await scenario.deliver_due(minutes=1)
        moved = start + timedelta(days=2)
        again = payload("two", 2, moved, [EMAIL], rescheduleUid="one")
        await scenario.receive(body("BOOKING_RESCHEDULED", scenario.now, again))
        await scenario.deliver_due(minutes=1)
        assert fake.properties_of(fake.contact)["Diagnostic Call Date"] == f"{moved:%Y-%m-%d}"
        await scenario.receive(body("BOOKING_CANCELLED", scenario.now, payload("two", 2, moved, [EMAIL])))
        await scenario.deliver_due(minutes=1)
        assert fake.properties_of(fake.contact)["Booking Status"] == "Cancelled"
        kinds = [row["kind"] for row in await scenario.rows(destination="notion", state="delivered")]
        assert kinds == ["booking.created", "booking.rescheduled", "booking.cancelled"]

    async def test_an_error_of_notions_blocks_nothing(self, scenario: ConnectedScenario, fake: FakeNotion) -> None:
        fake.faults = Faults({"500": 1.0})
        await scenario.receive(booked(scenario.now + timedelta(days=3)))
        await scenario.deliver_due()
        assert scenario.fake_destination.kinds == ["confirmation"]
        row = await delivery_of(scenario)
        assert (row["state"], row["because"]) == ("scheduled", "Notion is unavailable: Unexpected error occurred")
        fake.faults = Faults()
        await scenario.deliver_due(minutes=1)
        assert (await delivery_of(scenario))["state"] == "delivered"

    async def test_a_token_corrected_later_loses_nothing(self, scenario: ConnectedScenario, fake: FakeNotion) -> None:
        await scenario.connect(KIND, settings(fake), {"token": "ntn_wrong"})
        await scenario.receive(booked(scenario.now + timedelta(days=3)))
        await scenario.deliver_due()
        assert "Correct NOTION_TOKEN" in (await delivery_of(scenario))["because"]
        await scenario.connect(KIND, settings(fake), {"token": fake.key})
        await scenario.deliver_due(minutes=1)
        assert fake.properties_of(fake.contact)["Booking Status"] == "Booked"

    async def test_state_portability(
        self,
        scenario: ConnectedScenario,
        fake: FakeNotion,
        database_url: str,
        account: UUID,
        client: httpx2.AsyncClient,
    ) -> None:
        """Another server continues from the database: nothing is lost, and nothing is sent twice."""
        start = scenario.now + timedelta(hours=80)
        await scenario.receive(booked(start))
        await scenario.deliver_due()
        once = fake.effects
        engine = connect(database_url, pool_size=5)
        try:
            other = ConnectedScenario(engine, scenario.workspace, account, client)
            other.now = scenario.now
            await other.connect(KIND, settings(fake), {"token": fake.key})
            await other.deliver_due(seconds=1)
            assert fake.effects == once
            await other.deliver_due(hours=8)
            assert other.fake_destination.kinds == ["reminder"]
        finally:
            await engine.dispose()
        assert (
            fake.properties_of(fake.sequence)["Email 5 Sent"]
            == f"{start - timedelta(hours=72, seconds=-1):%Y-%m-%dT%H:%M:%SZ}"
        )
