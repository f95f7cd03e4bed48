"""Renders an event as an outgoing webhook: `type`, `timestamp`, `data`. Pure.

It leaves out a booking's uid, because anyone who has it can cancel the meeting at Cal.com, and a place that contains
it, such as the address of a Cal.com video room.
"""

from datetime import datetime
from typing import Any, Final

from msgspec import to_builtins

from showup.destinations.contract import CannotRender, Content, Meeting, Notification
from showup.destinations.webhook.settings import PING

_BOOKING_FIELDS: Final = (
    *("title", "status", "start_time", "end_time", "event_type", "event_type_title"),
    *("deal_id", "notes", "answers", "cancellation_reason", "cancelled_by", "reschedule_reason"),
)


def content(notification: Notification) -> Content:
    """Returns the body, the same at every attempt. Raises CannotRender."""
    at = notification.decided_at
    data = {"workspace": notification.workspace, **_data(notification.redact_uids())}
    body: Content = to_builtins(
        {"type": notification.kind, "timestamp": None if at is None else _moment(at), "data": data}
    )
    return body


def _data(notification: Notification) -> dict[str, Any]:
    if notification.meeting is not None:
        return {"booking": _booking(notification.meeting), **notification.details}
    if "deal" in notification.details or notification.kind == PING:
        return notification.details
    raise CannotRender(f"{notification.kind} has no booking and no deal, and endpoints receive nothing else")


def _booking(meeting: Meeting) -> dict[str, Any]:
    guest = meeting.guest
    return {
        "id": meeting.booking_id,
        **{name: getattr(meeting, name) for name in _BOOKING_FIELDS},
        "location": meeting.location,
        "meeting_url": meeting.meeting_url,
        "attendance": {"state": _attendance(meeting), "evidence": meeting.evidence},
        "attendee": {
            "email": guest.email or None,
            "name": guest.name,
            "time_zone": guest.time_zone,
            "phone": guest.phone,
            "confirmed_at": guest.confirmed_at,
        },
        "organizer": {
            "email": meeting.organizer_email,
            "name": meeting.organizer_name,
            "time_zone": meeting.organizer_time_zone,
        },
        # Endpoints are the operator's own, so they get the address, and must know not to pass it on to attendees.
        "organizer_email_hidden": meeting.organizer_email_hidden,
        "company": _company(meeting),
    }


def _company(meeting: Meeting) -> dict[str, Any] | None:
    if meeting.company_name is None and meeting.company_domain is None:
        return None
    return {"name": meeting.company_name, "domain": meeting.company_domain}


def _attendance(meeting: Meeting) -> str:
    if meeting.attended is not None:
        return "showed" if meeting.attended else "no_show"
    return "host_absent" if meeting.host_absent else "unreported"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}Z"
