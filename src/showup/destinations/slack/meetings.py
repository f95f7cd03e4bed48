"""Bookings as a team hears of them: who, when, with whom, and what became of it."""

from datetime import datetime
from typing import Final

from showup.destinations.contract import Meeting, Notice
from showup.destinations.slack.blocks import Block, escaped, link, moment, plain_moment, said, section, small
from showup.destinations.slack.message import Message

HEADLINES: Final = {
    "booking.created": "New booking",
    "booking.requested": "A booking waits for a yes",
    "booking.rejected": "A booking was declined",
    "booking.rescheduled": "A meeting was moved",
    "booking.cancelled": "A meeting was cancelled",
    "booking.reassigned": "A meeting has another host",
    "booking.location_changed": "A meeting takes place elsewhere",
    "booking.showed": "They came",
    "booking.no_show": "No-show",
    "booking.host_absent": "The host was absent",
}
_OF_ITS_END: Final = {"booking.cancelled", "booking.rejected"}
_OF_ATTENDANCE: Final = {"booking.showed": "They came", "booking.no_show": "They did not come"}
_EVIDENCE: Final = {"assumed": "only the clock says so: nobody reported it", "reported": "somebody reported it"}


def of_booking(notice: Notice) -> Message:
    """What became of one booking."""
    meeting, headline = notice.of_meeting(), HEADLINES[notice.kind]
    blocks: list[Block] = [section(f"*{headline}:* {who(meeting)}", _fields(notice, meeting))]
    if notice.kind == "booking.created" and meeting.notes:
        blocks.append(small(f"They wrote: {said(meeting.notes, 1_000)}"))
    text = f"{headline}: {who(meeting)}, {escaped(plain_moment(meeting.start_time, notice.time_zone))}"
    return Message(text=text, blocks=blocks)


def who(meeting: Meeting) -> str:
    """Whom a meeting is with, and their company."""
    guest = meeting.guest
    name = guest.name or guest.email or guest.phone or "somebody unknown"
    return f"{said(name)} ({said(meeting.company_name)})" if meeting.company_name else said(name)


def _fields(notice: Notice, meeting: Meeting) -> list[tuple[str, str]]:
    fields = [("When", moment(meeting.start_time, notice.time_zone))]
    if (old := _old(notice)) is not None:
        fields.append(("Instead of", moment(old, notice.time_zone)))
    fields.append(("Meeting", said(meeting.title or meeting.event_type_title or "untitled")))
    for name, value in (
        ("With", meeting.organizer_name or meeting.organizer_email),
        ("Email", meeting.guest.email),
        ("Phone", meeting.guest.phone),
        ("Reason", _reason(notice, meeting)),
    ):
        if value:
            fields.append((name, said(value)))
    if notice.kind in _OF_ATTENDANCE and meeting.evidence in _EVIDENCE:
        fields.append(("How it is known", _EVIDENCE[meeting.evidence]))
    # Everybody in the channel reads it, and whoever has the uid can cancel the meeting.
    url = meeting.untelling(meeting.meeting_url)
    if notice.kind not in _OF_ITS_END and url and meeting.status == "ACCEPTED":
        fields.append(("Where", link(url, "join the meeting")))
    return fields


def _old(notice: Notice) -> datetime | None:
    written = notice.details.get("old_start_time")
    return datetime.fromisoformat(written) if isinstance(written, str) else None


def _reason(notice: Notice, meeting: Meeting) -> str | None:
    if notice.kind in _OF_ITS_END:
        return meeting.cancellation_reason
    return meeting.reschedule_reason if notice.kind == "booking.rescheduled" else None
