"""Renders a notification as an entry: the text of a task's description and comment."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct

from showup.destinations.contract import CannotRender, Meeting, Notification
from showup.destinations.lines import one_line, truncate
from showup.destinations.links import meeting_place
from showup.destinations.local_time import local_time
from showup.values.email_address import display_email
from showup.values.time_zone import zone_of

CREATED: Final = "booking.created"
RESCHEDULED: Final = "booking.rescheduled"
CANCELLED: Final = "booking.cancelled"
NO_SHOW: Final = "booking.no_show"
SHOWED: Final = "booking.showed"
CONFIRMED: Final = "booking.confirmed"
SUBSCRIBED_EVENTS: Final = frozenset({CREATED, RESCHEDULED, CANCELLED, NO_SHOW, SHOWED})
_LONGEST_TITLE: Final = 300
_LONGEST_NOTES: Final = 2000
LONGEST_DESCRIPTION: Final = 200_000
"""The longest description, in characters, that Showup reads and writes back; each change sends the whole text."""

_HEADS: Final = {
    CREATED: "Meeting booked",
    RESCHEDULED: "Meeting moved to another time",
    CANCELLED: "Meeting cancelled",
    NO_SHOW: "The attendee did not come to the meeting",
    SHOWED: "The attendee came to the meeting",
    CONFIRMED: "The attendee confirmed that they will come",
}
Lines = list[tuple[str, str]]
_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~!])")


class TaskEntry(Struct, frozen=True, kw_only=True):
    """The values that one event writes to ClickUp.

    `name` is the name of a new lead; `email` is empty for an attendee known by phone only. `block` (Markdown) goes into
    the description, `comment` (plain text) below the task. `booking` and `delivery` are the marks by which both are
    recognised. `moves_block`: whether this event changes the block of a task that has one.
    """

    kind: str
    name: str
    email: str
    booking: str
    delivery: str
    block: str
    comment: str
    moves_block: bool


def render(notification: Notification) -> TaskEntry:
    """Returns the entry, with all times in the workspace's time zone. Raises CannotRender."""
    # Everyone in the workspace at ClickUp reads the task.
    notification = notification.redact_uids()
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
    return _short(guest.name) or _short(display_email(guest.email)) or _short(guest.phone) or "Unnamed attendee"


def _facts(notification: Notification, meeting: Meeting) -> Lines:
    """Returns the known facts about a meeting; a cancelled meeting has no link."""
    place = meeting_place(meeting)
    link = "Link" if place.url else "Place"
    facts = [
        ("When", _when(notification, meeting.start_time, meeting.end_time)),
        ("With", _short(meeting.organizer_label)),
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
    return [("When", when), ("Reason", why), ("By", _short(meeting.redact_organizer(meeting.cancelled_by)))]


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
