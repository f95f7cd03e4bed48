"""The API's representation of rows: bookings, event types, the user, free slots."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from showup.simulation.render_booking import instant
from tests.fake_calcom.bodies import booking_answers
from tests.fake_calcom.rows import Booking, EventType, Guest, User
from tests.fake_calcom.world_state import WorldState

_HOURS = range(9, 17)


def booking_output(world: WorldState, booking: Booking) -> dict[str, Any]:
    """Returns a booking as every version lists it; fields without a value are left out, except `updatedAt`."""
    successor = world.successor_of(booking.uid) if booking.rescheduled else None
    is_cancelled = booking.status == "CANCELLED"
    optional = {
        "cancellationReason": booking.cancellation_reason if is_cancelled else None,
        "cancelledByEmail": booking.cancelled_by if is_cancelled else None,
        "reschedulingReason": booking.reschedule_reason,
        "rescheduledByEmail": successor.rescheduled_by if successor else booking.rescheduled_by,
        "rescheduledFromUid": booking.from_uid,
        "rescheduledToUid": successor.uid if successor else None,
        "recurringBookingUid": booking.recurring_uid,
    }
    return {
        "id": booking.id,
        "uid": booking.uid,
        "title": booking.title,
        "description": booking.notes,
        "hosts": [_host(booking.host)],
        "status": booking.status.lower(),
        "start": instant(booking.start_at),
        "end": instant(booking.end_at),
        "duration": (booking.end_at - booking.start_at) // timedelta(minutes=1),
        "eventType": {"id": booking.event_type.id, "slug": booking.event_type.slug},
        "eventTypeId": booking.event_type.id,
        "location": booking.meeting_url or booking.event_type.location,
        "meetingUrl": booking.meeting_url or booking.event_type.location,
        "absentHost": booking.absent_host,
        "createdAt": instant(booking.created_at),
        "updatedAt": instant(booking.updated_at) if booking.updated_at else None,
        "metadata": dict(booking.metadata),
        "icsUid": booking.ical_uid,
        **_attendee_fields(booking),
        **{name: value for name, value in optional.items() if value is not None},
    }


def me_output(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "username": user.username,
        "email": user.email,
        "name": user.name,
        "avatarUrl": None,
        "bio": None,
        "timeFormat": 12,
        "defaultScheduleId": user.id + 1,
        "weekStart": "Sunday",
        "timeZone": user.time_zone,
        "organizationId": None,
    }


def event_type_output(event_type: EventType) -> dict[str, Any]:
    recurrence = {"interval": 1, "occurrences": 4, "frequency": "weekly"} if event_type.repeats else None
    null_fields = ("successRedirectUrl", "forwardParamsSuccessRedirect", "scheduleId", "seatsPerTimeSlot")
    false_fields = ("disableGuests", "lockTimeZoneToggleOnBookingPage", "isInstantEvent", "hidden")
    return {
        **dict.fromkeys(null_fields),
        **dict.fromkeys(false_fields, False),
        "bookingRequiresAuthentication": False,
        "id": event_type.id,
        "lengthInMinutes": event_type.lasts_for,
        "title": event_type.title,
        "slug": event_type.slug,
        "description": "",
        "locations": [],
        "bookingFields": [],
        "recurrence": recurrence,
        "metadata": {},
        "price": 0,
        "currency": "usd",
        "ownerId": event_type.owner.id,
        "users": [],
        "bookingUrl": f"https://cal.com/{event_type.owner.username}/{event_type.slug}",
    }


def slots_output(
    world: WorldState, event_type: EventType, start_at: datetime, end_at: datetime, time_zone: str, *, as_range: bool
) -> dict[str, list[dict[str, str]]]:
    """Returns free times in office hours (UTC), by day in `time_zone`."""
    zone, length = ZoneInfo(time_zone), timedelta(minutes=event_type.lasts_for)
    busy = [
        (one.start_at, one.end_at)
        for one in world.bookings.values()
        if one.host == event_type.owner and one.status in ("ACCEPTED", "PENDING")
    ]
    days: dict[str, list[dict[str, str]]] = {}
    at = start_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    while at + length <= end_at:
        is_open = at.hour in _HOURS and at.weekday() < 5 and at > max(world.clock(), start_at)
        if is_open and not any(begins < at + length and at < ends for begins, ends in busy):
            slot = {"start": _local(at, zone)} | ({"end": _local(at + length, zone)} if as_range else {})
            days.setdefault(f"{at.astimezone(zone):%Y-%m-%d}", []).append(slot)
        at += length
    return days


def _attendee_fields(booking: Booking) -> dict[str, Any]:
    if booking.event_type.seats is not None:
        return {"attendees": [_seat(booking, one) for one in booking.attendees]}
    return {
        "attendees": [_attendee(one) for one in booking.attendees],
        "guests": [one.email for one in booking.attendees[1:]],
        "bookingFieldsResponses": booking_answers(booking),
    }


def _attendee(guest: Guest) -> dict[str, Any]:
    return {
        "name": guest.name,
        "email": guest.email,
        "displayEmail": guest.email,
        "timeZone": guest.time_zone,
        "language": guest.locale,
        "absent": guest.absent,
        **({"phoneNumber": guest.phone} if guest.phone else {}),
    }


def _seat(booking: Booking, guest: Guest) -> dict[str, Any]:
    seat_answers = {slug: value for slug, value in booking_answers(booking, guest).items() if slug != "email"}
    return {**_attendee(guest), "seatUid": guest.seat_uid or "", "bookingFieldsResponses": seat_answers, "metadata": {}}


def _host(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "name": user.name,
        "email": user.email,
        "displayEmail": user.email,
        "username": user.username,
        "timeZone": user.time_zone,
    }


def _local(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).isoformat(timespec="milliseconds")
