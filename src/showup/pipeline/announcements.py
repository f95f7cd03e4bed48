"""Announce booking changes to subscribers other than attendees: CRM, team, other programs (TE5 to TE8).

An announcement is the difference between the states before and after an event, so an event without changes announces
nothing. The history numbers its keys: an attendee who came, then did not, then came after all is announced three times.

The event that made the change may have been too old to announce: a copy that arrived days late, or a backfill. A later
event that repeats the state restates it, and the replay announces it if it has not been announced yet.
"""

from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from showup.bookings.booking import Attendee, Booking
from showup.effects import NotifySubscribers
from showup.events import booking as events
from showup.events.details import BookingEvent
from showup.events.envelope import BookingRecord
from showup.events.kinds import AnnouncementKind
from showup.pipeline.decision import Decision
from showup.pipeline.notify import is_fresh, is_notifiable
from showup.pipeline.rules import Rules

# A CRM that was down for some days is still notified; attendees' mail has its own limit.
_EXPIRES_AFTER: Final = timedelta(days=7)


def with_announcements(before: Booking | None, decision: Decision, record: BookingRecord, rules: Rules) -> Decision:
    """Return the decision with its announcements, while the event is fresh (PI13)."""
    after = decision.after
    announcements: list[NotifySubscribers] = []
    restated: list[NotifySubscribers] = []
    if is_notifiable(after, record, rules):
        announcements += (
            _seat_announcements(before, decision, record)
            if after.seated
            else _booking_announcements(before, decision, record)
        )
        restated += _restated(after, record)
    if is_fresh(record, rules) and after.is_live:
        announcements += _attendance_announcements(before, after, record)
        restated += (
            _attendance_announcements(None, after, record) if isinstance(record.event, _ATTENDANCE_EVENTS) else []
        )
    if not announcements and not restated:
        return decision
    return replace(decision, announcements=tuple(announcements), restated=tuple(restated))


_BOOKED_EVENTS: Final = (events.BookingMade, events.BookingRescheduled, events.SeatMoved)
_ATTENDANCE_EVENTS: Final = (
    events.MeetingEnded,
    events.AttendanceReported,
    events.GuestsMissed,
    events.HostMissed,
    events.OutcomeReported,
)
_STATUS_EVENTS: Final[dict[str, tuple[type[BookingEvent], ...]]] = {
    "PENDING": (events.BookingRequested, events.PaymentStarted),
    "REJECTED": (events.BookingRejected,),
    "CANCELLED": (events.BookingCancelled,),
}


def _restated(after: Booking, record: BookingRecord) -> list[NotifySubscribers]:
    """Return announcements for the state that the event reports, new or not."""
    if after.is_live and isinstance(record.event, _BOOKED_EVENTS):
        kind: AnnouncementKind = "booking.rescheduled" if after.reschedule_count else "booking.created"
        if not after.seated:
            return [_announcement(kind, after, after.booker, record)]
        listed = {one.email for one in record.event.booking.attendees}
        return [_announcement("booking.created", after, one, record) for one in after.seats if one.email in listed]
    if not after.seated and isinstance(record.event, _STATUS_EVENTS.get(after.status, ())):
        return [_announcement(_STATUS_KINDS[after.status], after, after.booker, record)]
    return []


def _booking_announcements(
    before: Booking | None, decision: Decision, record: BookingRecord
) -> list[NotifySubscribers]:
    after = decision.after
    was_live = before is not None and before.is_live
    kinds: list[AnnouncementKind] = []
    if after.is_live and not was_live:
        kinds = ["booking.rescheduled" if after.reschedule_count else "booking.created"]
    elif before is not None and after.is_live:
        kinds = _change_kinds(before, decision)
    elif before is None or before.status != after.status:
        kinds = [_STATUS_KINDS[after.status]]
    old_start_time = before.start_time if before is not None else None
    return [_announcement(kind, after, after.booker, record, old_start_time=old_start_time) for kind in kinds]


def _change_kinds(before: Booking, decision: Decision) -> list[AnnouncementKind]:
    after = decision.after
    kinds: list[AnnouncementKind] = []
    if before.start_time != after.start_time:
        kinds.append("booking.rescheduled")
    elif before.organizer_email != after.organizer_email:
        kinds.append("booking.reassigned")
    if decision.what == "booking.relocated" and _meeting_place(before) != _meeting_place(after):
        kinds.append("booking.location_changed")
    return kinds


def _meeting_place(booking: Booking) -> str | None:
    return booking.meeting_url or booking.location


_STATUS_KINDS: Final[dict[str, AnnouncementKind]] = {
    "PENDING": "booking.requested",
    "REJECTED": "booking.rejected",
    "CANCELLED": "booking.cancelled",
}


def _seat_announcements(before: Booking | None, decision: Decision, record: BookingRecord) -> list[NotifySubscribers]:
    """Announce each seat as a booking of its own: taken, moved with the meeting, or given up."""
    after = decision.after
    live_before = before if before is not None and before.is_live else None
    old_seats = {_seat_key(one) for one in live_before.seats} if live_before is not None else set()
    new_seats = after.seats if after.is_live else ()
    old_start_time = before.start_time if before is not None else None
    announcements = [
        _announcement("booking.created", after, one, record) for one in new_seats if _seat_key(one) not in old_seats
    ]
    if live_before is not None:
        kinds = _change_kinds(live_before, decision)
        announcements += [
            _announcement(kind, after, one, record, old_start_time=old_start_time)
            for one in new_seats
            if _seat_key(one) in old_seats
            for kind in kinds
        ]
    left_seats = old_seats - {_seat_key(one) for one in new_seats}
    return announcements + [
        _announcement("booking.cancelled", after, one, record)
        for one in after.attendees
        if _seat_key(one) in left_seats
    ]


def _seat_key(attendee: Attendee) -> tuple[str, int]:
    return attendee.key, attendee.rejoin_count


def _attendance_announcements(before: Booking | None, after: Booking, record: BookingRecord) -> list[NotifySubscribers]:
    """Announce attendance: per attendee for bookings with seats, otherwise of the primary attendee for the booker."""
    if after.seated:
        attended_before = {one.key: one.attended for one in before.attendees} if before is not None else {}
        attendance: list[tuple[Attendee | None, bool | None, bool | None]] = [
            (one, attended_before.get(one.key), one.attended) for one in after.seats
        ]
    else:
        attendance = [(after.booker, before.attended if before is not None else None, after.attended)]
    announcements = [
        _announcement("booking.showed" if came else "booking.no_show", after, one, record)
        for one, came_before, came in attendance
        if came is not None and came != came_before
    ]
    if after.host_absent and not (before is not None and before.host_absent):
        announcements.append(_announcement("booking.host_absent", after, after.booker, record))
    return announcements


def _announcement(
    kind: AnnouncementKind,
    after: Booking,
    attendee: Attendee | None,
    record: BookingRecord,
    *,
    old_start_time: datetime | None = None,
) -> NotifySubscribers:
    recipient = (attendee.email if attendee is not None and attendee.is_person else None) or ""
    has_phone_attendee = any(one.email is None for one in after.seats)
    is_rescheduled = kind == "booking.rescheduled"
    return NotifySubscribers(
        kind=kind,
        key=f"{kind}:{after.uid or after.calcom_booking_id or '-'}:{after.start_time:%Y%m%dT%H%M%SZ}:{recipient}",
        recipient=recipient,
        due_at=record.received_at,
        expires_at=record.source_at + _EXPIRES_AFTER,
        is_internal=not recipient and not has_phone_attendee,
        old_start_time=old_start_time if is_rescheduled and old_start_time != after.start_time else None,
    )
