"""The calendar file of a mail (.ics), and the iCalendar method of each kind of notification."""

from datetime import datetime
from typing import Literal, TypeAlias

from icalendar import Calendar, Event, vCalAddress

from showup.destinations.contract import Meeting
from showup.destinations.email.variables import MailVariables
from showup.destinations.links import meeting_place
from showup.values.email_address import is_mailbox

Method: TypeAlias = Literal["REQUEST", "CANCEL"]
# Reminders and follow-ups change nothing in a calendar.
_METHODS: dict[str, Method] = {
    "confirmation": "REQUEST",
    "rescheduled": "REQUEST",
    "new_place": "REQUEST",
    "cancelled": "CANCEL",
}
_STATUS = {"REQUEST": "CONFIRMED", "CANCEL": "CANCELLED"}


def method_of(kind: str, meeting: Meeting) -> Method | None:
    """Returns the iCalendar method; None where there is no calendar entry, or no organizer to name in it."""
    if not meeting.ical_uid or not is_mailbox(meeting.organizer_email or "") or not is_mailbox(meeting.guest.email):
        return None
    return _METHODS.get(kind)


def calendar_of(meeting: Meeting, variables: MailVariables, method: Method, created_at: datetime) -> str:
    """Returns the iCalendar text, with times in UTC; `created_at` is its DTSTAMP."""
    entry = Event()
    entry.add("uid", meeting.ical_uid)
    entry.add("sequence", meeting.ical_sequence or 0)
    entry.add("dtstamp", created_at)
    entry.add("dtstart", meeting.start_time)
    if meeting.end_time is not None:
        entry.add("dtend", meeting.end_time)
    entry.add("summary", variables.title)
    entry.add("status", _STATUS[method])
    entry.add("organizer", vCalAddress.new(meeting.organizer_email or "", cn=variables.organizer))
    entry.add("attendee", _attendee(variables))
    _add_place(entry, meeting, variables)
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", "-//Showup//Showup//EN")
    calendar.add("method", method)
    calendar.add_component(entry)
    written: bytes = calendar.to_ical()
    return written.decode()


def _attendee(variables: MailVariables) -> vCalAddress:
    # The attendee made the booking, so the calendar need not ask whether they accept.
    return vCalAddress.new(variables.guest_email, cn=variables.guest_name, role="REQ-PARTICIPANT", partstat="ACCEPTED")


def _add_place(entry: Event, meeting: Meeting, variables: MailVariables) -> None:
    place = meeting_place(meeting)
    if where := place.url or place.text:
        entry.add("location", where)
    if place.url:
        entry.add("url", place.url)
    links = (("Reschedule", variables.reschedule_url), ("Cancel", variables.cancel_url))
    if lines := [f"{verb}: {url}" for verb, url in links if url]:
        entry.add("description", "\n".join(lines))
