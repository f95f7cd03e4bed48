"""TE6: the changes to each page, by the types of its properties, and the values that Showup reads there."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from showup.destinations.contract import CannotRender, Delivered
from showup.destinations.notion.health import KIND
from tests.destinations.conformance.case import MEETING, notification
from tests.destinations.fake_vendors.notion import FakeNotion
from tests.destinations.notion.notion_connection import BOOKED, DAY, NotionConnection, contacts_of_types


async def test_a_booking_is_written_to_the_contact_and_the_sequence_is_found(
    connection: NotionConnection, fake: FakeNotion
) -> None:
    outcome = await connection.send()

    assert outcome == Delivered(
        provider="notion",
        reference=fake.contact,
        record=fake.contact,
        found={
            "contact_id": fake.contact,
            "set": {"status": "Booked", "call_date": DAY},
            "sequence_id": fake.sequence,
            "campaign": "Christmas 2025",
        },
    )
    assert fake.properties_of(fake.contact) == BOOKED
    assert fake.effects == {fake.contact: 1}


async def test_the_call_date_is_the_day_in_the_workspaces_zone(connection: NotionConnection, fake: FakeNotion) -> None:
    late = replace(MEETING, start_time=datetime(2026, 11, 25, 23, 30, tzinfo=UTC))
    for zone, day in [("Europe/Berlin", "2026-11-26"), ("America/New_York", "2026-11-25"), ("UTC", "2026-11-25")]:
        await connection.send_notification(replace(notification("booking.created"), meeting=late, time_zone=zone))
        assert fake.properties_of(fake.contact)["Diagnostic Call Date"] == day


async def test_an_invalid_time_zone_leaves_the_date_unchanged_with_a_note(
    connection: NotionConnection, fake: FakeNotion
) -> None:
    """Seed 003: an error in the date does not block the rest."""
    outcome = await connection.send_notification(replace(notification("booking.created"), time_zone="Mars/Crater"))
    assert isinstance(outcome, Delivered)
    assert "'Mars/Crater' is not a time zone" in outcome.found["notes"][0]
    assert fake.properties_of(fake.contact)["Booking Status"] == "Booked"
    assert "Diagnostic Call Date" not in fake.properties_of(fake.contact)


@pytest.mark.parametrize("email", ["Ann@Acme.Example", " ann@acme.example "])
async def test_emails_are_compared_without_case(connection: NotionConnection, fake: FakeNotion, email: str) -> None:
    fake.page(fake.contact).values["Email"] = email
    outcome = await connection.send()
    assert isinstance(outcome, Delivered)
    assert outcome.record == fake.contact


async def test_an_email_that_only_ends_alike_is_another_persons(connection: NotionConnection, fake: FakeNotion) -> None:
    fake.page(fake.contact).values["Email"] = "joann@acme.example"
    outcome = await connection.send()
    assert isinstance(outcome, Delivered)
    assert outcome.record is None
    assert not fake.effects


async def test_a_missing_contact_is_reported_and_the_sequence_still_found(
    connection: NotionConnection, fake: FakeNotion
) -> None:
    """Seed 003: a missing contact is logged, and the update continues."""
    fake.page(fake.contact).in_trash = True
    outcome = await connection.send()
    assert isinstance(outcome, Delivered)
    assert outcome.found == {
        "contact_id": None,
        "sequence_id": fake.sequence,
        "campaign": "Christmas 2025",
        "notes": ["no page in the contact database has this email"],
    }


async def test_who_is_in_no_campaign_is_no_fault(connection: NotionConnection, fake: FakeNotion) -> None:
    fake.page(fake.sequence).in_trash = True
    outcome = await connection.send()
    assert isinstance(outcome, Delivered)
    assert (outcome.found["contact_id"], outcome.found["sequence_id"], outcome.found["campaign"]) == (
        fake.contact,
        None,
        None,
    )


async def test_of_several_contacts_the_one_that_was_edited_last_is_taken(
    connection: NotionConnection, fake: FakeNotion
) -> None:
    second = fake.workspace.add_page(fake.contacts, {"Name": "Ann again", "Email": "ANN@acme.example"})
    outcome = await connection.send()
    assert isinstance(outcome, Delivered)
    assert outcome.record == second
    assert "2 pages in the contact database" in outcome.found["notes"][0]


class TestLaterEvents:
    """Reschedules, cancellations and attendance change the same page as the booking."""

    async def test_a_new_time(self, connection: NotionConnection, fake: FakeNotion) -> None:
        first = await connection.send()
        assert isinstance(first, Delivered)
        later = replace(MEETING, start_time=MEETING.start_time + timedelta(days=2))
        fake.page(fake.contact).values["Email"] = "another@acme.example"
        await connection.send_notification(
            replace(notification("booking.rescheduled"), meeting=later), record=first.record
        )
        day = f"{later.start_time:%Y-%m-%d}"
        assert fake.properties_of(fake.contact) | {
            "Diagnostic Call Date": day,
            "Booking Status": "Booked",
        } == fake.properties_of(fake.contact)

    @pytest.mark.parametrize(
        ("kind", "status"),
        [("booking.cancelled", "Cancelled"), ("booking.no_show", "No Show"), ("booking.showed", "Showed")],
    )
    async def test_how_it_ended(self, connection: NotionConnection, fake: FakeNotion, kind: str, status: str) -> None:
        await connection.send()
        await connection.send(kind, record=fake.contact)
        assert fake.properties_of(fake.contact) == BOOKED | {"Booking Status": status}

    async def test_the_end_of_an_older_meeting_leaves_the_next_unchanged(
        self, connection: NotionConnection, fake: FakeNotion
    ) -> None:
        await connection.send()
        fake.page(fake.contact).values["Diagnostic Call Date"] = {"start": "2026-12-24"}
        outcome = await connection.send("booking.cancelled", record=fake.contact)
        assert isinstance(outcome, Delivered)
        assert outcome.found["notes"] == ["the page is about the meeting on 2026-12-24, so Showup did not change it"]
        assert fake.properties_of(fake.contact)["Booking Status"] == "Booked"

    async def test_a_page_in_the_trash_is_searched_again(self, connection: NotionConnection, fake: FakeNotion) -> None:
        fake.page(fake.contact).in_trash = True
        second = fake.workspace.add_page(fake.contacts, {"Email": "ann@acme.example"})
        outcome = await connection.send("booking.cancelled", record=fake.contact)
        assert isinstance(outcome, Delivered)
        assert outcome.record == second

    async def test_an_empty_setting_changes_nothing(self, connection: NotionConnection, fake: FakeNotion) -> None:
        connection.settings |= {"cancelled": "", "campaign_status_property": "", "call_date_property": ""}
        assert "booking.cancelled" not in KIND.subscribed_events(KIND.parse_settings(connection.settings))
        await connection.send()
        assert fake.properties_of(fake.contact) == {
            "Name": "Ann",
            "Email": "ann@acme.example",
            "Booking Status": "Booked",
        }
        with pytest.raises(CannotRender, match=r"does not receive booking\.cancelled"):
            connection.build().render(notification("booking.cancelled"))


class TestReminders:
    """Each sent reminder is recorded in Notion (seed 003: state portability)."""

    async def test_the_moment_is_written_to_the_sequence(self, connection: NotionConnection, fake: FakeNotion) -> None:
        outcome = await connection.send(
            "reminder.sent", before_seconds=259_200, sent_at="2026-09-09T09:00:00Z", by="email"
        )
        assert isinstance(outcome, Delivered)
        assert outcome.found == {"sequence_id": fake.sequence}
        assert fake.properties_of(fake.sequence)["Email 5 Sent"] == "2026-09-09T09:00:00Z"
        assert fake.effects == {fake.sequence: 1}

    @pytest.mark.parametrize(("before", "by"), [(7_200, "email"), (259_200, "twilio")])
    async def test_one_without_a_property_is_written_nowhere(
        self, connection: NotionConnection, fake: FakeNotion, before: int, by: str
    ) -> None:
        outcome = await connection.send("reminder.sent", before_seconds=before, sent_at="2026-09-09T09:00:00Z", by=by)
        assert isinstance(outcome, Delivered)
        assert "no property is set" in outcome.found["notes"][0]
        assert fake.calls == []

    def test_the_properties_may_be_text(self, connection: NotionConnection) -> None:
        connection.settings["sequence_reminder_properties"] = "72h=Email 5 Sent, 90m = Email 6 Sent,3d="
        assert KIND.parse_settings(connection.settings).reminders() == {259_200: "Email 5 Sent", 5_400: "Email 6 Sent"}  # type: ignore[attr-defined] # Notion's own

    def test_without_properties_reminders_are_not_subscribed(self, connection: NotionConnection) -> None:
        del connection.settings["sequence_reminder_properties"]
        assert "reminder.sent" not in KIND.subscribed_events(KIND.parse_settings(connection.settings))


STATUS_TYPES = [
    pytest.param(("status", "Lead", "Booked"), "Booked", id="status"),
    pytest.param(("status", "BOOKED"), "BOOKED", id="an option in another case"),
    pytest.param(("select",), "Booked", id="select, a new option"),
    pytest.param("rich_text", "Booked", id="text"),
]


@pytest.mark.parametrize(("kind", "stored"), STATUS_TYPES)
async def test_a_value_takes_the_type_of_its_property(
    connection: NotionConnection, fake: FakeNotion, kind: Any, stored: str
) -> None:
    contacts_of_types(connection, fake, {"Email": "email", "Booking Status": kind, "Diagnostic Call Date": "rich_text"})
    outcome = await connection.send()
    assert isinstance(outcome, Delivered)
    assert outcome.record is not None
    assert fake.properties_of(outcome.record)["Booking Status"] == stored
    assert fake.properties_of(outcome.record)["Diagnostic Call Date"] == DAY


async def test_of_several_choices_only_our_own_are_taken_away(connection: NotionConnection, fake: FakeNotion) -> None:
    page = contacts_of_types(
        connection,
        fake,
        {"Email": "email", "Booking Status": ("multi_select", "VIP", "Booked"), "Diagnostic Call Date": "date"},
    )
    fake.page(page).values["Booking Status"] = [{"name": "VIP"}, {"name": "No Show"}]
    await connection.send()
    assert fake.properties_of(page)["Booking Status"] == ["VIP", "Booked"]


@pytest.mark.parametrize("kind", ["title", "rich_text", "url", "formula"])
async def test_a_person_is_found_by_whatever_holds_the_email(
    connection: NotionConnection, fake: FakeNotion, kind: str
) -> None:
    page = contacts_of_types(connection, fake, {"Email": kind, "Booking Status": "select"})
    outcome = await connection.send()
    assert isinstance(outcome, Delivered)
    assert outcome.record == page


def _address(database: str) -> str:
    return f"https://www.notion.so/acme/Contacts-{database.replace('-', '')}?v={'f' * 32}"


@pytest.mark.parametrize("shape", [lambda one: one, lambda one: one.replace("-", ""), _address])
async def test_a_database_may_be_named_by_its_address(
    connection: NotionConnection, fake: FakeNotion, shape: Callable[[str], str]
) -> None:
    connection.settings["contacts_database"] = shape(fake.contacts)
    assert isinstance(await connection.send(), Delivered)


async def test_a_superseded_delivery_leaves_the_current_state_unwritten(
    connection: NotionConnection, fake: FakeNotion
) -> None:
    """PI9: a booking that arrives after its cancellation stays cancelled; its other values are still written."""
    await connection.send("booking.cancelled")
    outcome = await connection.send_notification(notification("booking.created"), overtaken=True)
    assert isinstance(outcome, Delivered)
    assert outcome.found["campaign"] == "Christmas 2025"
    page = fake.properties_of(fake.contact)
    assert (page["Booking Status"], page["Christmas Campaign Status"]) == ("Cancelled", "Pre-Call Prep")
    assert "Diagnostic Call Date" not in page
