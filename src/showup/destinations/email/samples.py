"""Sample bookings, for a preview and for checking templates."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from msgspec.structs import replace

from showup.destinations.contract import CalendarEntry, Guest, Meeting, Notification, SeriesDate
from showup.values.duration import parse_short_duration

_START: Final = datetime(2026, 3, 10, 8, 15, tzinfo=UTC)
_OLD_START: Final = datetime(2026, 3, 9, 13, 0, tzinfo=UTC)
_LONG_NAME: Final = "Maximiliana Featherstonehaugh-Cholmondeley of the Lower Mersey"
_MEETING: Final = Meeting(
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
    cancelled_by="benjamin@seller.example",
    reschedule_reason="A customer needs me on that day",
    rescheduled_by="benjamin@seller.example",
)


def with_series(meeting: Meeting) -> Meeting:
    """Returns the meeting as the first of six dates, one every two weeks, which have its length and place."""
    uids = [meeting.uid, *(f"{meeting.uid}-{number}" for number in range(1, 6))]
    dates = (
        SeriesDate(
            booking_id=UUID(int=meeting.booking_id.int + number),
            status="ACCEPTED",
            start_time=meeting.start_time + timedelta(weeks=2 * number),
            end_time=meeting.end_time and meeting.end_time + timedelta(weeks=2 * number),
            uid=meeting.uid and uid,
            seat_uid=meeting.seat_uid and f"{meeting.seat_uid}-{number}",
            location=meeting.location,
            location_kind=meeting.location_kind,
            meeting_url=meeting.meeting_url,
            ical_uid=f"{uid}@Cal.com",
        )
        for number, uid in enumerate(uids)
    )
    return replace(meeting, series=tuple(dates))


SAMPLE: Final = with_series(_MEETING)


def _guest(**changes: Any) -> Guest:
    return replace(SAMPLE.guest, **changes)


_SAMPLES: Final[Mapping[str, Meeting]] = {
    "video": SAMPLE,
    "we call": replace(SAMPLE, meeting_url=None, location="+49 30 555 0142", guest=_guest(phone="+49305550142")),
    "they call": replace(SAMPLE, meeting_url=None, location="+1 207 555 0118"),
    "in person": replace(SAMPLE, meeting_url=None, location="Seller Hall\n1420 Example Street\nNew York, NY 10001"),
    "no place": replace(SAMPLE, meeting_url=None),
    "least data": Meeting(
        booking_id=UUID(int=1),
        version=1,
        status="ACCEPTED",
        title="",
        start_time=_START,
        end_time=None,
        guest=Guest(email="ann@acme.example"),
    ),
    "hidden host": replace(SAMPLE, organizer_email_hidden=True, organizer_name=None),
    "nothing can be changed": replace(SAMPLE, uid=None, rescheduling_disabled=True, cancelling_disabled=True),
    "seat": replace(SAMPLE, seat_uid="sample-seat"),
    "long names": replace(SAMPLE, title="A " * 30 + "call", organizer_name=_LONG_NAME, guest=_guest(name=_LONG_NAME)),
    "right to left": replace(
        SAMPLE,
        title="שיחת היכרות",
        notes="مرحبا، لدينا سؤال",
        guest=_guest(name="נועה כהן", time_zone="Asia/Jerusalem"),
    ),
    "far away, over midnight": replace(
        SAMPLE,
        start_time=datetime(2027, 12, 31, 22, 45, tzinfo=UTC),
        end_time=datetime(2028, 1, 1, 0, 15, tzinfo=UTC),
        notes="We have a question. " * 40,
    ),
}
SAMPLES: Final = {name: with_series(one) if one.series else one for name, one in _SAMPLES.items()}
"""Twelve bookings between which all that a template may meet occurs, by what is special about each."""


def sample_notification(
    kind: str, workspace: str, meeting: Meeting = SAMPLE, *, old_start_time: datetime | None = _OLD_START
) -> Notification:
    """Returns a notification of this kind about a meeting; its details are sample data, except for the old time.

    `reminder_72h` is a reminder 72 hours before the meeting.
    """
    name, _, before = kind.partition("reminder_")
    details = _details()
    if old_start_time is not None:
        details["rescheduled"] = {"old_start_time": f"{old_start_time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}
    if before:
        details["reminder"] = {"before_seconds": parse_short_duration(before).total_seconds()}
    name = name or "reminder"
    entries = _entries(name, meeting)
    if name == "calendar_cleanup":
        details[name] = {"entry": entries[0].digest}
    return Notification(
        delivery_id=UUID(int=2),
        workspace=workspace,
        kind=name,
        meeting=meeting,
        details=details.get(name, {}),
        sent_entries=entries,
    )


def _entries(kind: str, meeting: Meeting) -> tuple[CalendarEntry, ...]:
    """Returns the calendar entry that a mail of this kind removes."""
    if kind not in ("cancelled", "reschedule_request", "calendar_cleanup"):
        return ()
    current_uid = meeting.ical_uid or ""
    entry = CalendarEntry(
        booking_id=meeting.booking_id,
        uid=f"old-{current_uid}" if kind == "calendar_cleanup" else current_uid,
        recipient=meeting.guest.email,
        method="REQUEST",
        sequence=0,
        organizer=meeting.shown_organizer_email or meeting.reply_to or "team@seller.example",
        start_time=meeting.start_time,
    )
    return (entry,)


def when_sent(notification: Notification) -> datetime:
    """Returns when such a mail could be sent: a reminder at its time, a follow-up after the meeting."""
    start, details = notification.require_meeting().start_time, notification.details
    if notification.kind == "no_show":
        return start + timedelta(hours=4)
    return start - timedelta(seconds=details.get("before_seconds", timedelta(days=2).total_seconds()))


def _details() -> dict[str, dict[str, Any]]:
    return {
        "reminder": {"before_seconds": 86400},
        "no_show": {"unsubscribe_url": "https://showup.example.com/unsubscribe/sample"},
        "new_host": {"old_host": "Olivia Park", "has_new_place": True},
        "new_place": {"old_place": "meet.example.com/the-old-link"},
    }
