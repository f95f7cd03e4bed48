"""A notice becomes an entry: what a task's description and its comment say."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from showup.destinations.clickup.block import block, escaped, mark
from showup.destinations.clickup.entry import CANCELLED, CREATED, NO_SHOW, RESCHEDULED, SHOWED, Entry
from showup.destinations.contract import CannotRender, Meeting, Notice
from showup.destinations.lines import cut, one_line
from showup.destinations.links import place_of
from showup.destinations.local_time import local_time, zone_of

_LONGEST_TITLE: Final = 300
_LONGEST_NOTES: Final = 2000
_HEADS: Final = {
    CREATED: "Meeting booked",
    RESCHEDULED: "Meeting moved to another time",
    CANCELLED: "Meeting cancelled",
    NO_SHOW: "They did not come to the meeting",
    SHOWED: "They came to the meeting",
}
Lines = list[tuple[str, str]]


def render(notice: Notice) -> Entry:
    """The entry, with all times in the workspace's zone. Raises CannotRender."""
    meeting = notice.of_meeting()
    if notice.kind not in _HEADS:
        raise CannotRender(f"ClickUp is not told of {notice.kind}")
    title = _short(meeting.title) or "Meeting"
    booking, delivery = mark(meeting.booking_id), mark(notice.delivery_id)
    said = [f"{name}: {escaped(words)}" for name, words in _facts(notice, meeting)]
    head = f"{'Cancelled meeting' if _is_off(meeting) else 'Meeting'}: {escaped(title)}"
    return Entry(
        kind=notice.kind,
        name=_lead(meeting),
        email=meeting.guest.email,
        booking=booking,
        delivery=delivery,
        block=block(head, said, booking),
        comment=_comment(notice, meeting, title, delivery),
        moves_block=notice.kind in (CREATED, RESCHEDULED, CANCELLED),
    )


def _lead(meeting: Meeting) -> str:
    guest = meeting.guest
    return _short(guest.name) or _short(guest.email) or _short(guest.phone) or "Somebody without a name"


def _facts(notice: Notice, meeting: Meeting) -> Lines:
    """What is known of a meeting, but for what isn't: no link leads to one that is called off."""
    place = place_of(meeting)
    link = "Link" if place.url else "Place"
    facts = [
        ("When", _when(notice, meeting.start_time, meeting.end_time)),
        ("With", _short(meeting.organizer_name) or _short(meeting.organizer_email)),
        (link, "" if _is_off(meeting) else place.url or place.text or ""),
        ("Phone", _short(meeting.guest.phone)),
        ("Company", _short(meeting.company_name)),
        ("Notes", cut(one_line(meeting.notes or ""), _LONGEST_NOTES)),
    ]
    return [(name, words) for name, words in facts if words]


def _comment(notice: Notice, meeting: Meeting, title: str, delivery: str) -> str:
    tell: dict[str, Callable[[Notice, Meeting], Lines]] = {
        RESCHEDULED: _moved,
        CANCELLED: _called_off,
        NO_SHOW: _attended,
        SHOWED: _attended,
    }
    said = tell.get(notice.kind, _facts)(notice, meeting)
    lines = [f"{_HEADS[notice.kind]}: {title}", *(f"{name}: {words}" for name, words in said if words)]
    return "\n".join([*lines, f"({delivery})"])


def _moved(notice: Notice, meeting: Meeting) -> Lines:
    old = notice.details.get("old_start_time")
    before = "" if old is None else _when(notice, datetime.fromisoformat(old), None)
    why = cut(one_line(meeting.reschedule_reason or ""), _LONGEST_NOTES)
    return [("Before", before), *_facts(notice, meeting), ("Reason", why)]


def _called_off(notice: Notice, meeting: Meeting) -> Lines:
    why = cut(one_line(meeting.cancellation_reason or ""), _LONGEST_NOTES)
    when = _when(notice, meeting.start_time, meeting.end_time)
    return [("When", when), ("Reason", why), ("By", _short(meeting.cancelled_by))]


def _attended(notice: Notice, meeting: Meeting) -> Lines:
    known = "assumed, since the meeting's time is over and nobody said otherwise"
    evidence = known if meeting.evidence == "assumed" else ""
    return [("When", _when(notice, meeting.start_time, meeting.end_time)), ("Known", evidence)]


def _is_off(meeting: Meeting) -> bool:
    return meeting.status in ("CANCELLED", "REJECTED")


def _when(notice: Notice, start: datetime, end: datetime | None) -> str:
    said = local_time(start, end, zone_of([notice.time_zone]))
    return f"{said} ({said.zone})"


def _short(text: str | None) -> str:
    return cut(one_line(text or ""), _LONGEST_TITLE)
