"""TE1: a calendar library parses the .ics file of a mail."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from icalendar import Calendar, Event
from msgspec.structs import replace

from showup.destinations.email.destination import Mail
from showup.destinations.email.samples import sample_notification
from tests.destinations.email.rendered_mail import NOW, mail, meeting, renderer


def entry_of(sent: Mail) -> Event:
    assert sent.calendar is not None
    calendar = Calendar.from_ical(sent.calendar)
    assert calendar["METHOD"] == sent.calendar_method
    assert calendar["VERSION"] == "2.0"
    (entry,) = calendar.walk("VEVENT")
    assert isinstance(entry, Event)
    return entry


@pytest.mark.parametrize("kind", ["confirmation", "rescheduled", "new_place"])
def test_an_accepted_meeting_is_cal_coms_own_entry_at_the_right_instant(kind: str) -> None:
    entry = entry_of(mail(kind, ical_uid="x@Cal.com", ical_sequence=3))
    assert (entry["UID"], entry["SEQUENCE"], entry["STATUS"]) == ("x@Cal.com", 3, "CONFIRMED")
    assert entry.decoded("DTSTART") == datetime(2026, 3, 10, 8, 15, tzinfo=UTC)
    assert entry.decoded("DTEND") == datetime(2026, 3, 10, 8, 45, tzinfo=UTC)
    assert entry.decoded("DTSTAMP") == NOW
    assert entry["SUMMARY"] == "Intro call between Ann Lee and Benjamin Crane"
    assert (entry["ORGANIZER"], entry["ORGANIZER"].params["CN"]) == ("mailto:benjamin@seller.example", "Benjamin Crane")
    assert (entry["ATTENDEE"], entry["ATTENDEE"].params["CN"]) == ("mailto:ann@acme.example", "Ann Lee")
    assert entry["LOCATION"] == entry["URL"] == "https://meet.example.com/intro-call"
    assert "Reschedule: https://book.seller.example/reschedule/sample\n" in entry["DESCRIPTION"]


def test_a_cancelled_meeting_leaves_the_calendar() -> None:
    sent = mail("cancelled", ical_sequence=4)
    entry = entry_of(sent)
    assert (sent.calendar_method, entry["STATUS"], entry["SEQUENCE"]) == ("CANCEL", "CANCELLED", 4)


def test_an_entry_that_was_never_sent_is_not_cancelled() -> None:
    """F01."""
    notification = sample_notification("cancelled", "default", meeting())
    assert renderer().render(replace(notification, sent_entries=())).calendar is None


def test_a_calendar_that_invites_the_attendee_itself_gets_no_second_entry() -> None:
    """F17: but an entry that was sent before is updated and cancelled."""
    assert mail(calendar_invites=True).calendar is None
    assert mail("cancelled", calendar_invites=True).calendar_method == "CANCEL"
    entries = sample_notification("cancelled", "default").sent_entries
    moved = replace(sample_notification("rescheduled", "default", meeting(calendar_invites=True)), sent_entries=entries)
    for sends_new in (True, False):
        assert renderer(calendar=sends_new).render(moved).calendar_method == "REQUEST"


@pytest.mark.parametrize("kind", ["reminder", "no_show"])
def test_what_changes_no_calendar_has_no_entry(kind: str) -> None:
    sent = mail(kind)
    assert (sent.calendar, sent.calendar_method) == (None, None)


@pytest.mark.parametrize(
    "lacks", [{"ical_uid": None}, {"ical_uid": ""}, {"organizer_email": None}, {"organizer_email": "nobody"}]
)
def test_without_an_entry_at_cal_com_there_is_none_here(lacks: dict[str, Any]) -> None:
    sent = mail(**lacks)
    assert (sent.calendar, sent.calendar_method) == (None, None)


def test_it_can_be_switched_off() -> None:
    sent = renderer(calendar=False).render(sample_notification("confirmation", "default"))
    assert (sent.calendar, sent.calendar_method) == (None, None)


def test_an_end_and_a_sequence_may_be_unknown() -> None:
    entry = entry_of(mail(end_time=None, ical_sequence=None))
    assert "DTEND" not in entry
    assert entry["SEQUENCE"] == 0


def test_text_from_outside_stays_text() -> None:
    entry = entry_of(
        mail(
            title="Fun;\r\nATTENDEE:mailto:eve@evil.example\r\n, äöü \\n 🎉" + "x" * 200,
            guest_name='Ann "A"\r\nX:1;B,C',
            organizer_name="Zoë; Crane: Ltd, Co",
            meeting_url=None,
            location="Room 1;\nFloor 2, right",
        )
    )
    assert entry["SUMMARY"] == "Fun; ATTENDEE:mailto:eve@evil.example , äöü \\n 🎉" + "x" * 200
    assert entry["LOCATION"] == "Room 1; Floor 2, right"
    assert entry["ORGANIZER"].params["CN"] == "Zoë; Crane: Ltd, Co"
    assert entry["ATTENDEE"] == "mailto:ann@acme.example"
    assert "X" not in entry


def test_it_is_written_as_calendars_expect_it() -> None:
    """RFC 5545: lines end in CRLF and have 75 octets at most."""
    text = mail(title="Überlänge " * 30).calendar
    assert text is not None
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert text.endswith("END:VCALENDAR\r\n")
    assert "\n" not in text.replace("\r\n", "")


def test_a_moved_meeting_retains_its_entry() -> None:
    """The calendar entry keeps its uid when Cal.com gives the booking a new one."""
    first = entry_of(mail())
    later = meeting(uid="another", ical_sequence=2, start_time=datetime(2026, 3, 12, 8, 15, tzinfo=UTC))
    moved = entry_of(renderer().render(sample_notification("rescheduled", "default", later)))
    assert moved["UID"] == first["UID"]
    assert moved["SEQUENCE"] > first["SEQUENCE"]
    assert moved.decoded("DTSTART") - first.decoded("DTSTART") == timedelta(days=2)
