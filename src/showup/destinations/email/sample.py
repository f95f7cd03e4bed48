"""Sample notifications of each kind, for previewing templates."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from showup.destinations.contract import Guest, Meeting, Notification

KINDS = ("confirm", "notify_rescheduled", "notify_cancelled", "notify_new_place", "remind", "follow_up")
_START = datetime(2026, 3, 10, 8, 15, tzinfo=UTC)
_OLD_START = datetime(2026, 3, 9, 13, 0, tzinfo=UTC)

SAMPLE = Meeting(
    booking_id=UUID(int=1),
    version=1,
    status="ACCEPTED",
    title="Intro call between Ann Lee and Benjamin Crane",
    start_time=_START,
    end_time=_START + timedelta(minutes=30),
    guest=Guest(email="ann@acme.example", name="Ann Lee", time_zone="Europe/Berlin"),
    uid="sample",
    event_type="intro",
    event_type_title="Intro call",
    organizer_email="benjamin@seller.example",
    organizer_name="Benjamin Crane",
    organizer_time_zone="America/New_York",
    meeting_url="https://meet.example.com/intro-call",
    booker_url="https://book.seller.example",
    ical_uid="sample@Cal.com",
    ical_sequence=1,
    cancellation_reason="A conflict in the calendar",
)


def sample_notification(
    kind: str, workspace: str, meeting: Meeting = SAMPLE, *, old_start_time: datetime | None = _OLD_START
) -> Notification:
    """Returns a notification of this kind about a meeting; its details are sample data, except for the old time."""
    details: dict[str, dict[str, Any]] = {
        "remind": {"before_seconds": 86400},
        "follow_up": {"unsubscribe_url": "https://showup.example.com/unsubscribe/sample"},
    }
    if old_start_time is not None:
        details["notify_rescheduled"] = {"old_start_time": f"{old_start_time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}
    return Notification(
        delivery_id=UUID(int=2), workspace=workspace, kind=kind, meeting=meeting, details=details.get(kind, {})
    )
