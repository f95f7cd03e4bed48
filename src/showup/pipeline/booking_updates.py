"""Apply the details that a source reported to a booking: the newest event determines each field."""

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from showup.bookings.booking import Attendee, Booking, BookingUid, Status
from showup.events.details import BookingDetails, ReplacedBooking
from showup.events.envelope import BookingRecord
from showup.pipeline.attendees import clear_attendance, clear_confirmations, merge_attendees
from showup.pipeline.rules import Rules

_SAME_NAME_FIELDS = (
    "title",
    "organizer_email",
    "organizer_name",
    "organizer_time_zone",
    "organizer_username",
    "event_type",
    "event_type_title",
    "calcom_event_type_id",
    "team_id",
    "location",
    "location_kind",
    "meeting_url",
    "notes",
    "ical_uid",
    "ical_sequence",
    "booker_url",
    "organizer_email_hidden",
    "reply_to",
    "rescheduling_disabled",
    "cancelling_disabled",
    "platform_reschedule_url",
    "platform_cancel_url",
    "platform_booking_url",
    "calendar_invites",
    "price",
    "currency",
)
_TIMELINE_FIELDS = (
    "status",
    "title",
    "start_time",
    "end_time",
    "organizer_email",
    "organizer_name",
    "location",
    "meeting_url",
    "notes",
    "cancellation_reason",
    "attended",
    "outcome",
    "outcome_notes",
    "next_step",
    "attached_to",
)


def create_booking(
    record: BookingRecord, status: Status, rules: Rules, replaces: ReplacedBooking | None = None
) -> Booking:
    """Create a booking from the first event that reports it; its start time must be known."""
    details = record.event.booking
    assert details.start_time is not None, "an event that creates a booking has its start time"
    booking = Booking(
        uid=details.uid,
        calcom_booking_id=details.calcom_booking_id,
        status=status,
        start_time=details.start_time,
        end_time=details.end_time,
        booked_at=record.source_at,
        uids=(*_replaced_uids(replaces), _uid_entry(details, record.source_at)),
        reschedule_count=0 if replaces is None else 1,
    )
    return apply_details(booking, record, rules)


def reported_status(before: Booking | None, details: BookingDetails) -> Status:
    """Return the status after an event that says nothing about acceptance, such as another place or the end (F13).

    A booking that waits takes the status that Cal.com lists: the event that accepted it may never arrive. For any other
    booking the events say what happened; the body may be newer than its event (PI9).
    """
    if before is None:
        return details.status or "ACCEPTED"
    if before.status in ("PENDING", "REJECTED") and details.status not in (None, "PENDING"):
        return details.status
    return before.status


def listed_end(before: Booking | None, details: BookingDetails) -> Status | None:
    """Return the status of a booking that had ended when Cal.com read it to send the event; None if it had not (F13).

    An accepted booking ends only by an event that says so (PI9).
    """
    if details.status not in ("CANCELLED", "REJECTED") or (before is not None and before.is_live):
        return None
    return reported_status(before, details)


def becomes_live(before: Booking | None, after: Booking) -> bool:
    """Return whether the meeting is on now and was not before."""
    return after.is_live and (before is None or not before.is_live)


def apply_details(booking: Booking, record: BookingRecord, rules: Rules) -> Booking:
    """Return the booking with every field that the event gives; a changed time makes a new version."""
    details = record.event.booking
    changes: dict[str, Any] = {
        name: value for name in _SAME_NAME_FIELDS if (value := getattr(details, name)) is not None
    }
    # Bodies name a series in different ways: the first name stays, since it links the date to the others.
    changes["series_uid"] = booking.series_uid or details.series_uid
    # A reschedule may come through another link: what led to the booking stays its source.
    changes["source"] = booking.source or details.source
    if details.answers:
        changes["answers"] = {**booking.answers, **details.answers}
    if details.calcom_booking_id is not None:
        changes["calcom_booking_id"] = details.calcom_booking_id
    if record.simulated:
        changes["simulated"] = True
    if co_hosts := details.hosts - {details.organizer_email}:
        changes["co_hosts"] = co_hosts
    if details.booked_at is not None:
        changes["booked_at"] = min(booking.booked_at, details.booked_at)
    booking = merge_attendees(replace(booking, **changes), details, record.source_at, rules)
    return _apply_time(booking, details, record.source_at)


def move_booking(booking: Booking, record: BookingRecord, rules: Rules, replaces: ReplacedBooking | None) -> Booking:
    """Move the booking to the event's uid and time; information about the old time is reset."""
    details = record.event.booking
    assert details.start_time is not None, "an event that moves a booking has its new start time"
    missing_uids = [] if replaces is None or booking.has_had_uid(replaces.uid) else _replaced_uids(replaces)
    uid = details.uid if details.uid is not None else booking.uid
    booking = replace(
        clear_attendance(booking),
        uid=uid,
        calcom_booking_id=details.calcom_booking_id,
        uids=(*booking.uids, *missing_uids, replace(_uid_entry(details, record.source_at), uid=uid)),
        reschedule_count=booking.reschedule_count + 1,
        reschedule_requested=False,
        cancellation_reason=None,
        cancelled_by=None,
        rejection_reason=None,
    )
    after = apply_details(booking, record, rules)
    # A new uid is a new version even at the same time, because messages for the old uid contain dead links.
    return after if after.version > booking.version else replace(after, version=booking.version + 1)


def is_current(booking: Booking, details: BookingDetails) -> bool:
    """Return whether the event is about the booking's current time, not about an earlier one."""
    if details.uid is not None:
        return details.uid == booking.uid
    return booking.calcom_booking_id in (None, details.calcom_booking_id)


def is_replaced(booking: Booking, details: BookingDetails) -> bool:
    """Return whether the event is about a uid or a number that the booking no longer uses."""
    if details.uid is not None:
        return details.uid != booking.uid and booking.has_had_uid(details.uid)
    return not is_current(booking, details)


def timeline_fields(booking: Booking) -> dict[str, Any]:
    """Return the booking's fields that the timeline shows."""
    fields = {name: getattr(booking, name) for name in _TIMELINE_FIELDS}
    return {**fields, "attendees": [_attendee_label(one) for one in booking.seats]}


def _attendee_label(attendee: Attendee) -> str:
    address = attendee.email or attendee.phone
    return f"{attendee.name} <{address}>" if attendee.name and address else attendee.key


def _apply_time(booking: Booking, details: BookingDetails, at: datetime) -> Booking:
    start = details.start_time or booking.start_time
    if start == booking.start_time:
        end = details.end_time or booking.end_time
        return booking if end == booking.end_time else _set_times(booking, start, end)
    if booking.uids and booking.uids[-1].start_time != start:
        # Keep the previous time on record, because the booking may return to it.
        uid_entry = replace(booking.uids[-1], start_time=start, end_time=None, since=at)
        booking = replace(booking, uids=(*booking.uids, uid_entry))
    duration = booking.end_time - booking.start_time if booking.end_time is not None else None
    end = details.end_time or (start + duration if duration is not None else None)
    return replace(clear_confirmations(_set_times(booking, start, end)), version=booking.version + 1)


def _set_times(booking: Booking, start: datetime, end: datetime | None) -> Booking:
    uids = booking.uids
    if uids and uids[-1].uid == booking.uid:
        uids = (*uids[:-1], replace(uids[-1], start_time=start, end_time=end))
    return replace(booking, start_time=start, end_time=end, uids=uids)


def _uid_entry(details: BookingDetails, since: datetime) -> BookingUid:
    return BookingUid(
        uid=details.uid,
        calcom_booking_id=details.calcom_booking_id,
        start_time=details.start_time,
        end_time=details.end_time,
        since=since,
    )


def _replaced_uids(replaces: ReplacedBooking | None) -> list[BookingUid]:
    if replaces is None or replaces.uid is None:
        return []
    return [
        BookingUid(
            uid=replaces.uid,
            calcom_booking_id=replaces.calcom_booking_id,
            start_time=replaces.start_time,
            end_time=replaces.end_time,
            since=None,
        )
    ]
