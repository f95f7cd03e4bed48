"""Renders a notification as an entry: the text of a task's description and comment."""

import re
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct

from showup.destinations.contract import CannotRender, Meeting, Notification
from showup.destinations.lines import one_line, truncate
from showup.destinations.links import meeting_place
from showup.destinations.local_time import local_time
from showup.destinations.record_status import (
    CANCELLED,
    CONFIRMED,
    CREATED,
    LOCATION_CHANGED,
    NO_SHOW,
    REASSIGNED,
    RESCHEDULE_REQUESTED,
    RESCHEDULED,
    SHOWED,
    event_of,
)
from showup.values.email_address import display_email
from showup.values.time_zone import zone_of

SUBSCRIBED_EVENTS: Final = frozenset({CREATED, RESCHEDULED, REASSIGNED, LOCATION_CHANGED, CANCELLED, NO_SHOW, SHOWED})
_ENDED_HEADS: Final = {CANCELLED: "Cancelled meeting", RESCHEDULE_REQUESTED: "Meeting without a time"}
_LONGEST_TITLE: Final = 300
_LONGEST_NOTES: Final = 2000
LONGEST_DESCRIPTION: Final = 200_000
"""The longest description, in characters, that Showup reads and writes back; each change sends the whole text."""

_HEADS: Final = {
    CREATED: "Meeting booked",
    RESCHEDULED: "Meeting moved to another time",
    REASSIGNED: "Meeting has a new host",
    LOCATION_CHANGED: "Meeting has a new place",
    CANCELLED: "Meeting cancelled",
    RESCHEDULE_REQUESTED: "The host asked for another time",
    NO_SHOW: "The attendee did not come to the meeting",
    SHOWED: "The attendee came to the meeting",
    CONFIRMED: "The attendee confirmed that they will come",
}
Lines = list[tuple[str, str]]
_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~!])")


class TaskEntry(Struct, frozen=True, kw_only=True):
    """The values that one event writes to ClickUp.

    `kind` is the event, as `record_status.event_of` names it; `name` is the name of a new lead; `email` is empty for an
    attendee known by phone only. `block` (Markdown) goes into the description, `comment` (plain text) below the task.
    `booking` and `delivery` are the marks by which both are recognised. `moves_block`: whether this event changes the
    block of a task that has one. `time_zone` is the workspace's.
    """

    kind: str
    name: str
    email: str
    booking: str
    delivery: str
    block: str
    comment: str
    moves_block: bool
    time_zone: str = "UTC"


def render(notification: Notification) -> TaskEntry:
    """Returns the entry, with all times in the workspace's time zone. Raises CannotRender."""
    # Everyone in the workspace at ClickUp reads the task.
    notification = notification.redact_uids()
    meeting = notification.require_meeting()
    if notification.kind not in _HEADS:
        raise CannotRender(f"ClickUp does not receive {notification.kind}")
    delivery = marker_of(notification.delivery_id)
    return TaskEntry(
        kind=event_of(notification.kind, meeting),
        name=_lead_name(meeting),
        email=meeting.guest.email,
        booking=marker_of(meeting.booking_id),
        delivery=delivery,
        block=meeting_block(meeting, notification.time_zone),
        comment=_comment(notification, meeting, delivery),
        moves_block=notification.kind not in (NO_SHOW, SHOWED),
        time_zone=notification.time_zone,
    )


def meeting_block(meeting: Meeting, time_zone: str) -> str:
    """Returns the block that describes a meeting in its task."""
    facts = [f"{name}: {escaped(words)}" for name, words in _facts(meeting, time_zone)]
    head = _ENDED_HEADS[event_of(CANCELLED, meeting)] if _is_cancelled(meeting) else "Meeting"
    return block(f"{head}: {escaped(_title(meeting))}", facts, marker_of(meeting.booking_id))


def with_reason(comment: str, because: str, delivery: str) -> str:
    """Returns the comment with the reason why the task keeps its status, before the delivery's mark."""
    return comment.removesuffix(f"({delivery})") + f"Status unchanged: {because}\n({delivery})"


def _title(meeting: Meeting) -> str:
    return _short(meeting.title) or "Meeting"


def _lead_name(meeting: Meeting) -> str:
    guest = meeting.guest
    return _short(guest.name) or _short(display_email(guest.email)) or _short(guest.phone) or "Unnamed attendee"


def _facts(meeting: Meeting, time_zone: str) -> Lines:
    """Returns the known facts about a meeting; a cancelled meeting has no link."""
    place = meeting_place(meeting)
    link = "Link" if place.url else "Place"
    facts = [
        ("When", when(meeting.start_time, meeting.end_time, time_zone)),
        ("With", _short(meeting.organizer_label)),
        (link, "" if _is_cancelled(meeting) else place.url or place.text or ""),
        ("Phone", _short(meeting.guest.phone)),
        ("Company", _short(meeting.company_name)),
        ("Notes", truncate(one_line(meeting.notes or ""), _LONGEST_NOTES)),
    ]
    return [(name, words) for name, words in facts if words]


def _comment(notification: Notification, meeting: Meeting, delivery: str) -> str:
    event, time_zone = event_of(notification.kind, meeting), notification.time_zone
    facts: Lines
    match event:
        case "booking.rescheduled":
            facts = _rescheduled(notification, meeting)
        case "booking.cancelled" | "booking.reschedule_requested":
            facts = _cancelled(meeting, time_zone)
        case "booking.no_show" | "booking.showed":
            facts = _attended(meeting, time_zone)
        case _:
            facts = _facts(meeting, time_zone)
    lines = [f"{_HEADS[event]}: {_title(meeting)}", *(f"{name}: {words}" for name, words in facts if words)]
    return "\n".join([*lines, f"({delivery})"])


def _rescheduled(notification: Notification, meeting: Meeting) -> Lines:
    old, time_zone = notification.details.get("old_start_time"), notification.time_zone
    before = "" if old is None else when(datetime.fromisoformat(old), None, time_zone)
    why = truncate(one_line(meeting.reschedule_reason or ""), _LONGEST_NOTES)
    return [("Before", before), *_facts(meeting, time_zone), ("Reason", why)]


def _cancelled(meeting: Meeting, time_zone: str) -> Lines:
    why = truncate(one_line(meeting.cancellation_reason or ""), _LONGEST_NOTES)
    time = when(meeting.start_time, meeting.end_time, time_zone)
    return [("When", time), ("Reason", why), ("By", _short(meeting.redact_organizer(meeting.cancelled_by)))]


def _attended(meeting: Meeting, time_zone: str) -> Lines:
    known = "assumed: the meeting time is over, and no absence was reported"
    evidence = known if meeting.evidence == "assumed" else ""
    return [("When", when(meeting.start_time, meeting.end_time, time_zone)), ("Evidence", evidence)]


def _is_cancelled(meeting: Meeting) -> bool:
    return meeting.status in ("CANCELLED", "REJECTED") or meeting.guest.has_left


def when(start: datetime, end: datetime | None, time_zone: str) -> str:
    """Returns a meeting's time in a time zone, for people."""
    text = local_time(start, end, zone_of(time_zone))
    return f"{text} ({text.zone})"


def _short(text: str | None) -> str:
    return truncate(one_line(text or ""), _LONGEST_TITLE)


def marker_of(id_: UUID) -> str:
    """Returns the mark by which a block is recognised: twelve digits are enough within one list.

    They are the last digits, because ids created at the same moment begin alike.
    """
    return f"Showup {id_.hex[-12:]}"


def block(title: str, lines: list[str], marker: str) -> str:
    """Returns the block as Markdown; title and lines are Markdown already, on one line each."""
    return "\n".join([f"**{title}** ({marker})", *(f"- {line}" for line in lines), f"(end of {marker})"])


def with_block(description: str, new_block: str, marker: str) -> str:
    """Returns the description with the new block in place of its old one, or appended at the end.

    A block without its last line is replaced in its first line only: people may have removed the end. A description of
    more than `LONGEST_DESCRIPTION` characters stays unchanged.
    """
    if len(description) > LONGEST_DESCRIPTION:
        return description
    # People edit descriptions, so each line is searched on its own: the time must grow no faster than the text.
    lines = description.split("\n")
    begins, ends = re.compile(rf"\b{re.escape(marker)}\b"), re.compile(rf"\bend of {re.escape(marker)}\b")
    begin = next((at for at, line in enumerate(lines) if _begins_block(line, begins, f"end of {marker}")), None)
    if begin is None:
        existing = description.rstrip()
        return f"{existing}\n\n{new_block}" if existing else new_block
    end = next((at for at in range(begin + 1, len(lines)) if ends.search(lines[at])), begin)
    return "\n".join([*lines[:begin], new_block, *lines[end + 1 :]])


def _begins_block(line: str, begins: re.Pattern[str], end_text: str) -> bool:
    """Returns whether a line has the marker, and not first in the text that ends a block."""
    found = begins.search(line)
    return found is not None and not 0 <= line.find(end_text) < found.start()


def escaped(text: str) -> str:
    """Escapes a person's text so that Markdown shows exactly that text."""
    return _SPECIAL.sub(r"\\\1", text)
