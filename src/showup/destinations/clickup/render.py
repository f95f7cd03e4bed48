"""Renders a notification as an entry: the text of a task's description and comment."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from showup.destinations.clickup.description_block import block, escaped, marker_of
from showup.destinations.clickup.entry import CANCELLED, CREATED, NO_SHOW, RESCHEDULED, SHOWED, TaskEntry
from showup.destinations.contract import CannotRender, Meeting, Notification
from showup.destinations.lines import one_line, truncate
from showup.destinations.links import meeting_place
from showup.destinations.local_time import local_time
from showup.values.time_zone import zone_of

_LONGEST_TITLE: Final = 300
_LONGEST_NOTES: Final = 2000
_HEADS: Final = {
    CREATED: "Meeting booked",
    RESCHEDULED: "Meeting moved to another time",
    CANCELLED: "Meeting cancelled",
    NO_SHOW: "The attendee did not come to the meeting",
    SHOWED: "The attendee came to the meeting",
}
Lines = list[tuple[str, str]]


def render(notification: Notification) -> TaskEntry:
    """Returns the entry, with all times in the workspace's time zone. Raises CannotRender."""
    meeting = notification.require_meeting()
    if notification.kind not in _HEADS:
        raise CannotRender(f"ClickUp does not receive {notification.kind}")
    title = _short(meeting.title) or "Meeting"
    booking, delivery = marker_of(meeting.booking_id), marker_of(notification.delivery_id)
    facts = [f"{name}: {escaped(words)}" for name, words in _facts(notification, meeting)]
    head = f"{'Cancelled meeting' if _is_cancelled(meeting) else 'Meeting'}: {escaped(title)}"
    return TaskEntry(
        kind=notification.kind,
        name=_lead_name(meeting),
        email=meeting.guest.email,
        booking=booking,
        delivery=delivery,
        block=block(head, facts, booking),
        comment=_comment(notification, meeting, title, delivery),
        moves_block=notification.kind in (CREATED, RESCHEDULED, CANCELLED),
    )


def _lead_name(meeting: Meeting) -> str:
    guest = meeting.guest
    return _short(guest.name) or _short(guest.email) or _short(guest.phone) or "Unnamed attendee"


def _facts(notification: Notification, meeting: Meeting) -> Lines:
    """Returns the known facts about a meeting; a cancelled meeting has no link."""
    place = meeting_place(meeting)
    link = "Link" if place.url else "Place"
    facts = [
        ("When", _when(notification, meeting.start_time, meeting.end_time)),
        ("With", _short(meeting.organizer_name) or _short(meeting.organizer_email)),
        (link, "" if _is_cancelled(meeting) else place.url or place.text or ""),
        ("Phone", _short(meeting.guest.phone)),
        ("Company", _short(meeting.company_name)),
        ("Notes", truncate(one_line(meeting.notes or ""), _LONGEST_NOTES)),
    ]
    return [(name, words) for name, words in facts if words]


def _comment(notification: Notification, meeting: Meeting, title: str, delivery: str) -> str:
    renderers: dict[str, Callable[[Notification, Meeting], Lines]] = {
        RESCHEDULED: _rescheduled,
        CANCELLED: _cancelled,
        NO_SHOW: _attended,
        SHOWED: _attended,
    }
    facts = renderers.get(notification.kind, _facts)(notification, meeting)
    lines = [f"{_HEADS[notification.kind]}: {title}", *(f"{name}: {words}" for name, words in facts if words)]
    return "\n".join([*lines, f"({delivery})"])


def _rescheduled(notification: Notification, meeting: Meeting) -> Lines:
    old = notification.details.get("old_start_time")
    before = "" if old is None else _when(notification, datetime.fromisoformat(old), None)
    why = truncate(one_line(meeting.reschedule_reason or ""), _LONGEST_NOTES)
    return [("Before", before), *_facts(notification, meeting), ("Reason", why)]


def _cancelled(notification: Notification, meeting: Meeting) -> Lines:
    why = truncate(one_line(meeting.cancellation_reason or ""), _LONGEST_NOTES)
    when = _when(notification, meeting.start_time, meeting.end_time)
    return [("When", when), ("Reason", why), ("By", _short(meeting.cancelled_by))]


def _attended(notification: Notification, meeting: Meeting) -> Lines:
    known = "assumed: the meeting time is over, and no absence was reported"
    evidence = known if meeting.evidence == "assumed" else ""
    return [("When", _when(notification, meeting.start_time, meeting.end_time)), ("Evidence", evidence)]


def _is_cancelled(meeting: Meeting) -> bool:
    return meeting.status in ("CANCELLED", "REJECTED")


def _when(notification: Notification, start: datetime, end: datetime | None) -> str:
    text = local_time(start, end, zone_of(notification.time_zone))
    return f"{text} ({text.zone})"


def _short(text: str | None) -> str:
    return truncate(one_line(text or ""), _LONGEST_TITLE)
