"""Booking messages for a team: who, when, with whom, and the result."""

from datetime import datetime
from typing import Final

from showup.destinations.contract import Meeting, Notification
from showup.destinations.slack.blocks import Block, context, escaped, link, moment, plain_moment, safe_text, section
from showup.destinations.slack.message import Message

HEADLINES: Final = {
    "booking.created": "New booking",
    "booking.requested": "A booking waits for confirmation",
    "booking.rejected": "A booking was declined",
    "booking.rescheduled": "A meeting was moved",
    "booking.cancelled": "A meeting was cancelled",
    "booking.reassigned": "A meeting has a new host",
    "booking.location_changed": "A meeting has a new location",
    "booking.showed": "The attendee came",
    "booking.no_show": "No-show",
    "booking.host_absent": "The host was absent",
}
_ENDED_EVENTS: Final = {"booking.cancelled", "booking.rejected"}
_ATTENDANCE_EVENTS: Final = {"booking.showed": "The attendee came", "booking.no_show": "The attendee did not come"}
_EVIDENCE: Final = {"assumed": "assumed: the meeting time is over, and no absence was reported", "reported": "reported"}


def booking_message(notification: Notification) -> Message:
    """Returns the message about one booking."""
    meeting, headline = notification.require_meeting(), HEADLINES[notification.kind]
    blocks: list[Block] = [section(f"*{headline}:* {guest_name(meeting)}", _fields(notification, meeting))]
    if notification.kind == "booking.created" and meeting.notes:
        blocks.append(context(f"Attendee's notes: {safe_text(meeting.notes, 1_000)}"))
    text = f"{headline}: {guest_name(meeting)}, {escaped(plain_moment(meeting.start_time, notification.time_zone))}"
    return Message(text=text, blocks=blocks)


def guest_name(meeting: Meeting) -> str:
    """Returns the guest's name and company."""
    guest = meeting.guest
    name = guest.name or guest.email or guest.phone or "unknown attendee"
    return f"{safe_text(name)} ({safe_text(meeting.company_name)})" if meeting.company_name else safe_text(name)


def _fields(notification: Notification, meeting: Meeting) -> list[tuple[str, str]]:
    fields = [("When", moment(meeting.start_time, notification.time_zone))]
    if (old := _old_start_time(notification)) is not None:
        fields.append(("Previous time", moment(old, notification.time_zone)))
    fields.append(("Meeting", safe_text(meeting.title or meeting.event_type_title or "untitled")))
    for name, value in (
        ("With", meeting.organizer_name or meeting.organizer_email),
        ("Email", meeting.guest.email),
        ("Phone", meeting.guest.phone),
        ("Reason", _reason(notification, meeting)),
    ):
        if value:
            fields.append((name, safe_text(value)))
    if notification.kind in _ATTENDANCE_EVENTS and meeting.evidence in _EVIDENCE:
        fields.append(("Evidence", _EVIDENCE[meeting.evidence]))
    # Everyone in the channel reads it, and anyone who has the uid can cancel the meeting.
    url = meeting.redact_uids(meeting.meeting_url)
    if notification.kind not in _ENDED_EVENTS and url and meeting.status == "ACCEPTED":
        fields.append(("Where", link(url, "join the meeting")))
    return fields


def _old_start_time(notification: Notification) -> datetime | None:
    written = notification.details.get("old_start_time")
    return datetime.fromisoformat(written) if isinstance(written, str) else None


def _reason(notification: Notification, meeting: Meeting) -> str | None:
    if notification.kind in _ENDED_EVENTS:
        return meeting.cancellation_reason
    return meeting.reschedule_reason if notification.kind == "booking.rescheduled" else None
