"""What a source saw of a booking, laid over what stands: the newest news says what the fields are."""

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from showup.bookings.booking import Attendee, Booking, Status, UidHeld
from showup.events import BookingSeen, News, Replaced
from showup.pipeline.attending import unmarked, with_attendees
from showup.pipeline.rules import Rules

_SAME_NAME = (
    "title",
    "organizer_email",
    "organizer_name",
    "organizer_time_zone",
    "event_type",
    "event_type_title",
    "calcom_event_type_id",
    "location",
    "meeting_url",
    "notes",
    "ical_uid",
    "ical_sequence",
    "booker_url",
    "price",
    "currency",
)
_SHOWN = (
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


def founded(news: News, status: Status, rules: Rules, replaces: Replaced | None = None) -> Booking:
    """A booking that this news is the first to tell of; its start time must be known."""
    seen = news.event.booking
    assert seen.start_time is not None, "a booking is founded on news that has its time"
    booking = Booking(
        uid=seen.uid,
        calcom_booking_id=seen.calcom_booking_id,
        status=status,
        start_time=seen.start_time,
        end_time=seen.end_time,
        booked_at=news.source_at,
        uids=(*_older(replaces), _held(seen, news.source_at)),
        reschedule_count=0 if replaces is None else 1,
    )
    return overlaid(booking, news, rules)


def overlaid(booking: Booking, news: News, rules: Rules) -> Booking:
    """The booking with every field that the news mentions; a time that changed makes a new version."""
    seen = news.event.booking
    changes: dict[str, Any] = {name: value for name in _SAME_NAME if (value := getattr(seen, name)) is not None}
    if seen.answers:
        changes["answers"] = {**booking.answers, **seen.answers}
    if seen.calcom_booking_id is not None:
        changes["calcom_booking_id"] = seen.calcom_booking_id
    if seen.simulated or news.simulated:
        changes["simulated"] = True
    if seen.booked_at is not None:
        changes["booked_at"] = min(booking.booked_at, seen.booked_at)
    booking = with_attendees(replace(booking, **changes), seen, news.source_at, rules)
    return _at_time(booking, seen, news.source_at)


def moved(booking: Booking, news: News, rules: Rules, replaces: Replaced | None) -> Booking:
    """The booking under the uid and at the time of the news; what was known of the old time is open again."""
    seen = news.event.booking
    assert seen.start_time is not None, "a booking is moved by news that has its time"
    missing = [] if replaces is None or booking.held(replaces.uid) else _older(replaces)
    uid = seen.uid if seen.uid is not None else booking.uid
    booking = replace(
        unmarked(booking),
        uid=uid,
        calcom_booking_id=seen.calcom_booking_id,
        uids=(*booking.uids, *missing, replace(_held(seen, news.source_at), uid=uid)),
        reschedule_count=booking.reschedule_count + 1,
        reschedule_requested=False,
        cancellation_reason=None,
        cancelled_by=None,
        rejection_reason=None,
    )
    after = overlaid(booking, news, rules)
    # A new uid is a new version even at the same time: what was written for the old one has dead links.
    return after if after.version > booking.version else replace(after, version=booking.version + 1)


def is_current(booking: Booking, seen: BookingSeen) -> bool:
    """Whether the news is about the booking as it stands, not about a time it had before."""
    if seen.uid is not None:
        return seen.uid == booking.uid
    return booking.calcom_booking_id in (None, seen.calcom_booking_id)


def is_past(booking: Booking, seen: BookingSeen) -> bool:
    """Whether the news is about a uid or a number that the booking has given up."""
    if seen.uid is not None:
        return seen.uid != booking.uid and booking.held(seen.uid)
    return not is_current(booking, seen)


def shown(booking: Booking) -> dict[str, Any]:
    """What a reader of the timeline looks for in a booking, by field."""
    fields = {name: getattr(booking, name) for name in _SHOWN}
    return {**fields, "attendees": [_label(one) for one in booking.seats]}


def _label(attendee: Attendee) -> str:
    address = attendee.email or attendee.phone
    return f"{attendee.name} <{address}>" if attendee.name and address else attendee.key


def _at_time(booking: Booking, seen: BookingSeen, at: datetime) -> Booking:
    start = seen.start_time or booking.start_time
    if start == booking.start_time:
        end = seen.end_time or booking.end_time
        return booking if end == booking.end_time else _retimed(booking, start, end)
    if booking.uids and booking.uids[-1].start_time != start:
        # The time that it leaves stays on record: it may come back to it.
        held = replace(booking.uids[-1], start_time=start, end_time=None, since=at)
        booking = replace(booking, uids=(*booking.uids, held))
    lasts = booking.end_time - booking.start_time if booking.end_time is not None else None
    end = seen.end_time or (start + lasts if lasts is not None else None)
    return replace(_retimed(booking, start, end), version=booking.version + 1)


def _retimed(booking: Booking, start: datetime, end: datetime | None) -> Booking:
    uids = booking.uids
    if uids and uids[-1].uid == booking.uid:
        uids = (*uids[:-1], replace(uids[-1], start_time=start, end_time=end))
    return replace(booking, start_time=start, end_time=end, uids=uids)


def _held(seen: BookingSeen, since: datetime) -> UidHeld:
    return UidHeld(
        uid=seen.uid,
        calcom_booking_id=seen.calcom_booking_id,
        start_time=seen.start_time,
        end_time=seen.end_time,
        since=since,
    )


def _older(replaces: Replaced | None) -> list[UidHeld]:
    if replaces is None or replaces.uid is None:
        return []
    return [
        UidHeld(
            uid=replaces.uid,
            calcom_booking_id=replaces.calcom_booking_id,
            start_time=replaces.start_time,
            end_time=replaces.end_time,
            since=None,
        )
    ]
