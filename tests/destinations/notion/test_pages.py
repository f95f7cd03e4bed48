"""TE6: what is written to whose page, by the types of its properties, and what is found there."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from showup.destinations.contract import CannotRender, Delivered
from showup.destinations.notion.connect import KIND
from tests.destinations.conformance.case import MEETING, notice
from tests.destinations.far.notion import FarNotion
from tests.destinations.notion.ours import BOOKED, DAY, Ours, contacts_of_types


async def test_a_booking_is_written_to_the_contact_and_the_sequence_is_found(ours: Ours, far: FarNotion) -> None:
    outcome = await ours.told()

    assert outcome == Delivered(
        provider="notion",
        reference=far.contact,
        record=far.contact,
        found={"contact_id": far.contact, "sequence_id": far.sequence, "campaign": "Christmas 2025"},
    )
    assert far.says(far.contact) == BOOKED
    assert far.effects == {far.contact: 1}


async def test_the_call_date_is_the_day_in_the_workspaces_zone(ours: Ours, far: FarNotion) -> None:
    late = replace(MEETING, start_time=datetime(2026, 11, 25, 23, 30, tzinfo=UTC))
    for zone, day in [("Europe/Berlin", "2026-11-26"), ("America/New_York", "2026-11-25"), ("UTC", "2026-11-25")]:
        await ours.told_of(replace(notice("booking.created"), meeting=late, time_zone=zone))
        assert far.says(far.contact)["Diagnostic Call Date"] == day


async def test_a_zone_that_is_none_leaves_the_date_alone_and_says_so(ours: Ours, far: FarNotion) -> None:
    """Seed 003: an error over the date never blocks the rest."""
    outcome = await ours.told_of(replace(notice("booking.created"), time_zone="Mars/Crater"))
    assert isinstance(outcome, Delivered)
    assert "'Mars/Crater' is no time zone" in outcome.found["notes"][0]
    assert far.says(far.contact)["Booking Status"] == "Booked"
    assert "Diagnostic Call Date" not in far.says(far.contact)


@pytest.mark.parametrize("typed", ["Ann@Acme.Example", " ann@acme.example "])
async def test_the_case_of_an_email_does_not_matter(ours: Ours, far: FarNotion, typed: str) -> None:
    far.page(far.contact).values["Email"] = typed
    outcome = await ours.told()
    assert isinstance(outcome, Delivered)
    assert outcome.record == far.contact


async def test_an_email_that_only_ends_alike_is_another_persons(ours: Ours, far: FarNotion) -> None:
    far.page(far.contact).values["Email"] = "joann@acme.example"
    outcome = await ours.told()
    assert isinstance(outcome, Delivered)
    assert outcome.record is None
    assert not far.effects


async def test_a_contact_that_is_not_there_is_said_and_the_sequence_found_all_the_same(
    ours: Ours, far: FarNotion
) -> None:
    """Seed 003: contact not found, logged, and on it goes."""
    far.page(far.contact).in_trash = True
    outcome = await ours.told()
    assert isinstance(outcome, Delivered)
    assert outcome.found == {
        "contact_id": None,
        "sequence_id": far.sequence,
        "campaign": "Christmas 2025",
        "notes": ["no page of the contact database has this email"],
    }


async def test_who_is_in_no_campaign_is_no_fault(ours: Ours, far: FarNotion) -> None:
    far.page(far.sequence).in_trash = True
    outcome = await ours.told()
    assert isinstance(outcome, Delivered)
    assert outcome.found == {"contact_id": far.contact, "sequence_id": None, "campaign": None}


async def test_of_several_contacts_the_one_that_was_edited_last_is_taken(ours: Ours, far: FarNotion) -> None:
    second = far.workspace.add_page(far.contacts, {"Name": "Ann again", "Email": "ANN@acme.example"})
    outcome = await ours.told()
    assert isinstance(outcome, Delivered)
    assert outcome.record == second
    assert "2 pages of the contact database" in outcome.found["notes"][0]


class TestWhatFollows:
    """Reschedules, cancellations and attendance go to the page that the booking went to."""

    async def test_a_new_time(self, ours: Ours, far: FarNotion) -> None:
        first = await ours.told()
        assert isinstance(first, Delivered)
        later = replace(MEETING, start_time=MEETING.start_time + timedelta(days=2))
        far.page(far.contact).values["Email"] = "another@acme.example"
        await ours.told_of(replace(notice("booking.rescheduled"), meeting=later), record=first.record)
        day = f"{later.start_time:%Y-%m-%d}"
        assert far.says(far.contact) | {"Diagnostic Call Date": day, "Booking Status": "Booked"} == far.says(
            far.contact
        )

    @pytest.mark.parametrize(
        ("kind", "status"),
        [("booking.cancelled", "Cancelled"), ("booking.no_show", "No Show"), ("booking.showed", "Showed")],
    )
    async def test_how_it_ended(self, ours: Ours, far: FarNotion, kind: str, status: str) -> None:
        await ours.told()
        await ours.told(kind, record=far.contact)
        assert far.says(far.contact) == BOOKED | {"Booking Status": status}

    async def test_the_end_of_an_older_meeting_is_no_news_of_the_next(self, ours: Ours, far: FarNotion) -> None:
        await ours.told()
        far.page(far.contact).values["Diagnostic Call Date"] = {"start": "2026-12-24"}
        outcome = await ours.told("booking.cancelled", record=far.contact)
        assert isinstance(outcome, Delivered)
        assert outcome.found["notes"] == ["the page is about the meeting on 2026-12-24: it was left alone"]
        assert far.says(far.contact)["Booking Status"] == "Booked"

    async def test_a_page_that_went_to_the_trash_is_looked_for_anew(self, ours: Ours, far: FarNotion) -> None:
        far.page(far.contact).in_trash = True
        second = far.workspace.add_page(far.contacts, {"Email": "ann@acme.example"})
        outcome = await ours.told("booking.cancelled", record=far.contact)
        assert isinstance(outcome, Delivered)
        assert outcome.record == second

    async def test_what_a_setting_leaves_empty_is_left_alone(self, ours: Ours, far: FarNotion) -> None:
        ours.settings |= {"cancelled": "", "campaign_status_property": "", "call_date_property": ""}
        assert "booking.cancelled" not in KIND.listens_to(KIND.read(ours.settings))
        await ours.told()
        assert far.says(far.contact) == {"Name": "Ann", "Email": "ann@acme.example", "Booking Status": "Booked"}
        with pytest.raises(CannotRender, match=r"nothing of booking\.cancelled"):
            ours.built().render(notice("booking.cancelled"))


class TestReminders:
    """Where each reminder's sending is written down (seed 003: state portability)."""

    async def test_the_moment_is_written_to_the_sequence(self, ours: Ours, far: FarNotion) -> None:
        outcome = await ours.told("reminder.sent", before_seconds=259_200, sent_at="2026-09-09T09:00:00Z", by="email")
        assert isinstance(outcome, Delivered)
        assert outcome.found == {"sequence_id": far.sequence}
        assert far.says(far.sequence)["Email 5 Sent"] == "2026-09-09T09:00:00Z"
        assert far.effects == {far.sequence: 1}

    @pytest.mark.parametrize(("before", "by"), [(7_200, "email"), (259_200, "twilio")])
    async def test_one_without_a_property_is_written_nowhere(
        self, ours: Ours, far: FarNotion, before: int, by: str
    ) -> None:
        outcome = await ours.told("reminder.sent", before_seconds=before, sent_at="2026-09-09T09:00:00Z", by=by)
        assert isinstance(outcome, Delivered)
        assert "no property is set" in outcome.found["notes"][0]
        assert far.calls == []

    def test_the_properties_may_be_given_as_text(self, ours: Ours) -> None:
        ours.settings["sequence_reminder_properties"] = "72h=Email 5 Sent, 90m = Email 6 Sent,3d="
        assert KIND.read(ours.settings).reminders() == {259_200: "Email 5 Sent", 5_400: "Email 6 Sent"}  # type: ignore[attr-defined] # Notion's own

    def test_nothing_is_heard_of_them_without_properties(self, ours: Ours) -> None:
        del ours.settings["sequence_reminder_properties"]
        assert "reminder.sent" not in KIND.listens_to(KIND.read(ours.settings))


STATUS_TYPES = [
    pytest.param(("status", "Lead", "Booked"), "Booked", id="status"),
    pytest.param(("status", "BOOKED"), "BOOKED", id="an option in another case"),
    pytest.param(("select",), "Booked", id="select, a new option"),
    pytest.param("rich_text", "Booked", id="text"),
]


@pytest.mark.parametrize(("kind", "stands"), STATUS_TYPES)
async def test_a_value_takes_the_type_of_its_property(ours: Ours, far: FarNotion, kind: Any, stands: str) -> None:
    contacts_of_types(ours, far, {"Email": "email", "Booking Status": kind, "Diagnostic Call Date": "rich_text"})
    outcome = await ours.told()
    assert isinstance(outcome, Delivered)
    assert outcome.record is not None
    assert far.says(outcome.record)["Booking Status"] == stands
    assert far.says(outcome.record)["Diagnostic Call Date"] == DAY


async def test_of_several_choices_only_our_own_are_taken_away(ours: Ours, far: FarNotion) -> None:
    page = contacts_of_types(
        ours,
        far,
        {"Email": "email", "Booking Status": ("multi_select", "VIP", "Booked"), "Diagnostic Call Date": "date"},
    )
    far.page(page).values["Booking Status"] = [{"name": "VIP"}, {"name": "No Show"}]
    await ours.told()
    assert far.says(page)["Booking Status"] == ["VIP", "Booked"]


@pytest.mark.parametrize("kind", ["title", "rich_text", "url", "formula"])
async def test_a_person_is_found_by_whatever_holds_the_email(ours: Ours, far: FarNotion, kind: str) -> None:
    page = contacts_of_types(ours, far, {"Email": kind, "Booking Status": "select"})
    outcome = await ours.told()
    assert isinstance(outcome, Delivered)
    assert outcome.record == page


def _address(database: str) -> str:
    return f"https://www.notion.so/acme/Contacts-{database.replace('-', '')}?v={'f' * 32}"


@pytest.mark.parametrize("shape", [lambda one: one, lambda one: one.replace("-", ""), _address])
async def test_a_database_may_be_given_by_its_address(ours: Ours, far: FarNotion, shape: Callable[[str], str]) -> None:
    ours.settings["contacts_database"] = shape(far.contacts)
    assert isinstance(await ours.told(), Delivered)


async def test_what_later_news_has_overtaken_says_nothing_of_how_the_booking_stands(ours: Ours, far: FarNotion) -> None:
    """PI9: a booking that is heard of after it was called off stays called off; the rest of it is still news."""
    await ours.told("booking.cancelled")
    outcome = await ours.told_of(notice("booking.created"), overtaken=True)
    assert isinstance(outcome, Delivered)
    assert outcome.found["campaign"] == "Christmas 2025"
    page = far.says(far.contact)
    assert (page["Booking Status"], page["Christmas Campaign Status"]) == ("Cancelled", "Pre-Call Prep")
    assert "Diagnostic Call Date" not in page
