"""News as an outgoing webhook says it: `type`, `timestamp`, `data`. Pure.

A booking's uid stays here, since whoever has it can cancel the meeting at Cal.com; and so does a place that tells it,
as the address of Cal.com's own video rooms does.
"""

from datetime import datetime
from typing import Any, Final

from msgspec import to_builtins

from showup.destinations.contract import CannotRender, Content, Meeting, Notice
from showup.destinations.webhook.kinds import PING

_OF_BOOKING: Final = (
    *("title", "status", "start_time", "end_time", "event_type", "event_type_title"),
    *("deal_id", "notes", "answers", "cancellation_reason", "cancelled_by", "reschedule_reason"),
)


def content(notice: Notice) -> Content:
    """The body, as it is sent at every attempt. Raises CannotRender."""
    at = notice.decided_at
    data = {"workspace": notice.workspace, **_data(notice)}
    said: Content = to_builtins({"type": notice.kind, "timestamp": None if at is None else _moment(at), "data": data})
    return said


def _data(notice: Notice) -> dict[str, Any]:
    if notice.meeting is not None:
        return {"booking": _booking(notice.meeting), **notice.details}
    if "deal" in notice.details or notice.kind == PING:
        return notice.details
    raise CannotRender(f"{notice.kind} is about no booking and no deal, and an endpoint is told of nothing else")


def _booking(meeting: Meeting) -> dict[str, Any]:
    guest = meeting.guest
    return {
        "id": meeting.booking_id,
        **{name: getattr(meeting, name) for name in _OF_BOOKING},
        "location": meeting.untelling(meeting.location),
        "meeting_url": meeting.untelling(meeting.meeting_url),
        "attendance": {"state": _attendance(meeting), "evidence": meeting.evidence},
        "attendee": {
            "email": guest.email or None,
            "name": guest.name,
            "time_zone": guest.time_zone,
            "phone": guest.phone,
        },
        "organizer": {
            "email": meeting.organizer_email,
            "name": meeting.organizer_name,
            "time_zone": meeting.organizer_time_zone,
        },
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
