"""Writes the calendar file of a mail (RFC 5545, RFC 5546), so that no calendar keeps an entry that no longer holds.

One file has one entry, one method and one recipient. Calendars ignore an update whose SEQUENCE is not above theirs, and
may ignore one whose ORGANIZER differs. So the sequence grows above everything that was sent for the uid before, however
small Cal.com's own number is, and the organizer of a uid stays the same for each recipient.
"""

from datetime import datetime
from typing import Final

from icalendar import Calendar, Event, vCalAddress
from msgspec import Struct
from msgspec.structs import asdict, replace

from showup.destinations.contract import CalendarEntry, CalendarMethod, Meeting, NothingToSend, Notification
from showup.destinations.lines import one_line, truncate
from showup.destinations.links import cancel_url, meeting_place, reschedule_url
from showup.values.email_address import is_mailbox

_LONGEST_TITLE: Final = 300
_LONGEST_NAME: Final = 80
# Reminders and follow-ups change nothing in a calendar.
_REQUESTS: Final = frozenset({"confirmation", "rescheduled", "new_place", "new_host", "series"})
_CANCELS: Final = frozenset({"cancelled", "reschedule_request"})
_MOST_FILES: Final = 12
_STATUS: Final = {"REQUEST": "CONFIRMED", "CANCEL": "CANCELLED"}


class CalendarFile(Struct, frozen=True, kw_only=True):
    """An iCalendar text, and the entry that it makes in the recipient's calendar."""

    text: str
    entry: CalendarEntry


def calendar_files(
    notification: Notification, sender: str, *, sends_new: bool, created_at: datetime
) -> list[CalendarFile]:
    """Returns the files that the mail carries; `created_at` is their DTSTAMP.

    It is one file at most, except for a series: one for each of its dates, unless there are more than 12. A new entry
    is made only if `sends_new`, and if no connected calendar invites the attendee. An entry that the recipient already
    has is updated and cancelled in any case. `sender` organizes the meeting if its organizer is hidden. Raises
    NothingToSend for a cleanup if the recipient has no such entry.
    """
    meeting, kind = notification.require_meeting(), notification.kind
    if kind == "calendar_cleanup":
        files = [_write(meeting, _stale_entry(notification), "CANCEL", notification, sender, created_at)]
    else:
        meetings = _dates(meeting) if kind == "series" else [meeting]
        files = [_file(one, notification, sender, sends_new=sends_new, created_at=created_at) for one in meetings]
    return [one for one in files if one is not None]


def _dates(meeting: Meeting) -> list[Meeting]:
    """Returns the meeting, and the other accepted dates of its series; none if mail can't carry as many files."""
    others = [one for one in meeting.series if one.booking_id != meeting.booking_id and one.status == "ACCEPTED"]
    if len(others) >= _MOST_FILES:
        return []
    return [meeting, *(replace(meeting, **asdict(one)) for one in others)]


def _file(
    meeting: Meeting, notification: Notification, sender: str, *, sends_new: bool, created_at: datetime
) -> CalendarFile | None:
    sent = _sent_entry(notification, meeting.ical_uid)
    is_invited = sent is not None and sent.method == "REQUEST"
    if notification.kind in _CANCELS:
        return _write(meeting, sent, "CANCEL", notification, sender, created_at) if is_invited else None
    if notification.kind not in _REQUESTS or not meeting.ical_uid or not is_mailbox(meeting.guest.email):
        return None
    if not is_invited and (meeting.calendar_invites or not sends_new):
        return None
    return _write(meeting, sent, "REQUEST", notification, sender, created_at)


def _sent_entry(notification: Notification, uid: str | None) -> CalendarEntry | None:
    recipient = notification.require_meeting().guest.email
    return next((one for one in notification.sent_entries if (one.uid, one.recipient) == (uid, recipient)), None)


def _stale_entry(notification: Notification) -> CalendarEntry:
    """Returns the recipient's entry that the cleanup removes. Raises NothingToSend if there is none, or if it holds."""
    meeting = notification.require_meeting()
    listed = (one for one in notification.sent_entries if one.digest == notification.details.get("entry"))
    entry = next((one for one in listed if one.recipient == meeting.guest.email), None)
    if entry is None or entry.method == "CANCEL":
        raise NothingToSend("the recipient has no such calendar entry")
    if meeting.status == "ACCEPTED" and not meeting.guest.has_left and entry.uid == meeting.ical_uid:
        raise NothingToSend("the calendar entry is valid again")
    return entry


def _write(
    meeting: Meeting,
    sent: CalendarEntry | None,
    method: CalendarMethod,
    notification: Notification,
    sender: str,
    created_at: datetime,
) -> CalendarFile | None:
    uid = sent.uid if sent is not None else meeting.ical_uid
    organizer = sent.organizer if sent is not None else _organizer(meeting, sender)
    if not uid or organizer is None:
        return None
    entry = CalendarEntry(
        booking_id=meeting.booking_id,
        uid=uid,
        recipient=meeting.guest.email,
        method=method,
        sequence=_next_ics_sequence(notification, uid, meeting.ical_sequence if uid == meeting.ical_uid else None),
        organizer=organizer,
        start_time=sent.start_time if sent is not None and uid != meeting.ical_uid else meeting.start_time,
    )
    return CalendarFile(text=_calendar_text(meeting, entry, created_at), entry=entry)


def _next_ics_sequence(notification: Notification, uid: str, calcom_sequence: int | None) -> int:
    """Returns Cal.com's own number, or one above the highest that anybody was sent for this uid."""
    sent = [one.sequence for one in notification.sent_entries if one.uid == uid]
    return max([calcom_sequence or 0, *(number + 1 for number in sent)])


def _organizer(meeting: Meeting, sender: str) -> str | None:
    address = meeting.reply_to or sender if meeting.organizer_email_hidden else meeting.organizer_email or ""
    return address if is_mailbox(address) else None


def _calendar_text(meeting: Meeting, entry: CalendarEntry, created_at: datetime) -> str:
    event = Event()
    event.add("uid", entry.uid)
    event.add("sequence", entry.sequence)
    event.add("dtstamp", created_at)
    event.add("dtstart", entry.start_time)
    is_current = entry.uid == meeting.ical_uid and not meeting.guest.has_left
    if meeting.end_time is not None and is_current:
        event.add("dtend", meeting.end_time)
    event.add(
        "summary", truncate(one_line(meeting.redact_organizer(meeting.title) or ""), _LONGEST_TITLE) or "Your meeting"
    )
    event.add("status", _STATUS[entry.method])
    event.add("organizer", vCalAddress.new(entry.organizer, cn=_name(meeting.organizer_label)))
    event.add("attendee", _attendee(meeting, entry))
    # A person who has left the meeting learns nothing new about it.
    if is_current:
        _add_place(event, meeting)
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", "-//Showup//Showup//EN")
    calendar.add("method", entry.method)
    calendar.add_component(event)
    written: bytes = calendar.to_ical()
    return written.decode()


def _attendee(meeting: Meeting, entry: CalendarEntry) -> vCalAddress:
    # The attendee made the booking, so the calendar need not ask whether they accept.
    name = _name(meeting.guest.name)
    return vCalAddress.new(entry.recipient, cn=name, role="REQ-PARTICIPANT", partstat="ACCEPTED")


def _name(name: str | None) -> str | None:
    return truncate(one_line(name or ""), _LONGEST_NAME) or None


def _add_place(event: Event, meeting: Meeting) -> None:
    place = meeting_place(meeting)
    if where := place.url or place.text:
        event.add("location", where)
    if place.url:
        event.add("url", place.url)
    links = (("Reschedule", reschedule_url(meeting)), ("Cancel", cancel_url(meeting)))
    if lines := [f"{verb}: {url}" for verb, url in links if url]:
        event.add("description", "\n".join(lines))
