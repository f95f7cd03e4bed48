"""The .ics of a mail: Cal.com's own entry, told again, so that no second one appears beside it."""

from datetime import datetime
from typing import Literal, TypeAlias

from icalendar import Calendar, Event, vCalAddress

from showup.destinations.contract import Meeting
from showup.destinations.email.addresses import is_address
from showup.destinations.email.wording import Wording

Method: TypeAlias = Literal["REQUEST", "CANCEL"]

# Reminders and follow-ups change nothing in a calendar.
_METHODS: dict[str, Method] = {
    "confirm": "REQUEST",
    "tell_rescheduled": "REQUEST",
    "tell_new_place": "REQUEST",
    "tell_cancelled": "CANCEL",
}
_STATUS = {"REQUEST": "CONFIRMED", "CANCEL": "CANCELLED"}


def method_of(kind: str, meeting: Meeting) -> Method | None:
    """What the calendar is asked to do; None where there is no entry to tell of, or no organizer to name in it."""
    if not meeting.ical_uid or not is_address(meeting.organizer_email or "") or not is_address(meeting.guest.email):
        return None
    return _METHODS.get(kind)


def calendar_of(meeting: Meeting, wording: Wording, method: Method, made_at: datetime) -> str:
    """The iCalendar text, with times in UTC; `made_at` is its DTSTAMP."""
    entry = Event()
    entry.add("uid", meeting.ical_uid)
    entry.add("sequence", meeting.ical_sequence or 0)
    entry.add("dtstamp", made_at)
    entry.add("dtstart", meeting.start_time)
    if meeting.end_time is not None:
        entry.add("dtend", meeting.end_time)
    entry.add("summary", wording.title)
    entry.add("status", _STATUS[method])
    entry.add("organizer", vCalAddress.new(meeting.organizer_email or "", cn=wording.organizer))
    entry.add("attendee", _attendee(wording))
    _add_place(entry, wording)
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", "-//Showup//Showup//EN")
    calendar.add("method", method)
    calendar.add_component(entry)
    written: bytes = calendar.to_ical()
    return written.decode()


def _attendee(wording: Wording) -> vCalAddress:
    # They booked it themselves: nobody need ask them whether they come.
    return vCalAddress.new(wording.guest_email, cn=wording.guest_name, role="REQ-PARTICIPANT", partstat="ACCEPTED")


def _add_place(entry: Event, wording: Wording) -> None:
    if where := wording.place.url or wording.place.text:
        entry.add("location", where)
    if wording.place.url:
        entry.add("url", wording.place.url)
    said = (("Reschedule", wording.reschedule_url), ("Cancel", wording.cancel_url))
    if lines := [f"{verb}: {url}" for verb, url in said if url]:
        entry.add("description", "\n".join(lines))
