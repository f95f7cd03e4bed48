"""A booking of Cal.com's API, told as the webhook that should have come: what was missed enters by the same door.

The same booking makes the same bytes, so that a body which is told twice is known by its digest.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from showup.events import Replaced
from showup.sources.calcom.api_values import ApiAttendee, ApiBooking, ApiHost

Trigger: TypeAlias = Literal[
    "BOOKING_CREATED",
    "BOOKING_REQUESTED",
    "BOOKING_REJECTED",
    "BOOKING_RESCHEDULED",
    "BOOKING_CANCELLED",
    "BOOKING_REASSIGNED",
    "BOOKING_LOCATION_UPDATED",
    "BOOKING_NO_SHOW_UPDATED",
    "MEETING_ENDED",
]

_STATUS: Mapping[str, str] = {
    "BOOKING_REQUESTED": "PENDING",
    "BOOKING_REJECTED": "REJECTED",
    "BOOKING_CANCELLED": "CANCELLED",
}
# Cal.com begins so the reason of a cancellation by which a host only asks for another time.
_ASKS_FOR_ANOTHER = "please reschedule"


class Telling(Struct, frozen=True, kw_only=True):
    """What is told of a booking: by which trigger, as of when (None: as of when it is heard).

    `replaces`: the booking it took the place of. `seats`: the attendees it is about, where a booking has seats.
    `absences`: by address, who did not come and who did.
    """

    trigger: Trigger
    at: datetime | None
    replaces: Replaced | None = None
    seats: tuple[ApiAttendee, ...] = ()
    absences: tuple[tuple[str, bool], ...] = ()


def as_webhook(booking: ApiBooking, telling: Telling) -> bytes:
    """The body of the webhook."""
    if telling.trigger == "MEETING_ENDED":
        body = {"triggerEvent": telling.trigger, **_row(booking)}
    else:
        about = _absences if telling.trigger == "BOOKING_NO_SHOW_UPDATED" else _payload
        sent = {} if telling.at is None else {"createdAt": _time(telling.at)}
        body = {"triggerEvent": telling.trigger, **sent, "payload": about(booking, telling)}
    return msgspec.json.encode(body)


def _payload(booking: ApiBooking, telling: Telling) -> dict[str, Any]:
    organizer = booking.hosts[0] if booking.hosts else None
    payload = {
        **_meeting(booking),
        "bookingId": booking.id,
        "type": booking.event_type.slug,
        "length": booking.duration,
        "status": _STATUS.get(telling.trigger, "ACCEPTED"),
        "organizer": None if organizer is None else _host(organizer),
        "attendees": [_attendee(one) for one in telling.seats or guests_of(booking)],
        "team": {"members": [_host(one) for one in booking.hosts[1:]]} if booking.hosts[1:] else None,
        **_seats(booking, telling.seats),
        **_replaced(telling.replaces),
        **_reasons(booking, telling),
    }
    return {name: value for name, value in payload.items() if value is not None}


def _row(booking: ApiBooking) -> dict[str, Any]:
    organizer = booking.hosts[0] if booking.hosts else ApiHost()
    row = {
        **_meeting(booking),
        "id": booking.id,
        "createdAt": None if booking.created_at is None else _time(booking.created_at),
        "status": "ACCEPTED",
        "noShowHost": booking.absent_host or False,
        "userPrimaryEmail": organizer.email,
        "user": _host(organizer),
        "attendees": [_attendee(one) for one in guests_of(booking)],
        "fromReschedule": booking.rescheduled_from_uid,
    }
    return {name: value for name, value in row.items() if value is not None}


def _absences(booking: ApiBooking, telling: Telling) -> dict[str, Any]:
    marked = [{"email": email, "noShow": absent} for email, absent in telling.absences]
    return {"bookingUid": booking.uid, "bookingId": booking.id, "attendees": marked}


def _meeting(booking: ApiBooking) -> dict[str, Any]:
    metadata = dict(booking.metadata)
    if booking.meeting_url is not None:
        metadata.setdefault("videoCallUrl", booking.meeting_url)
    return {
        "uid": booking.uid,
        "title": booking.title,
        "description": booking.description,
        "startTime": _time(booking.start),
        "endTime": None if booking.end is None else _time(booking.end),
        "eventTypeId": booking.event_type.id,
        "location": booking.location,
        "metadata": metadata,
        "iCalUID": booking.ics_uid,
        "responses": _answers(booking.booking_fields_responses),
    }


def _seats(booking: ApiBooking, seats: Sequence[ApiAttendee]) -> dict[str, Any]:
    if not is_seated(booking):
        return {}
    alone = seats[0] if len(seats) == 1 else None
    answers = {} if alone is None else {"responses": _answers(alone.booking_fields_responses)}
    return {
        "seatsPerTimeSlot": len(booking.attendees),
        "attendeeSeatId": None if alone is None else alone.seat_uid,
        **answers,
    }


def _replaced(replaces: Replaced | None) -> dict[str, Any]:
    if replaces is None:
        return {}
    return {
        "rescheduleUid": replaces.uid,
        "rescheduleStartTime": None if replaces.start_time is None else _time(replaces.start_time),
        "rescheduleEndTime": None if replaces.end_time is None else _time(replaces.end_time),
    }


def _reasons(booking: ApiBooking, telling: Telling) -> dict[str, Any]:
    match telling.trigger:
        case "BOOKING_CANCELLED":
            return {
                "cancellationReason": booking.cancellation_reason,
                "cancelledBy": booking.cancelled_by_email,
                "requestReschedule": True if _asks_for_another(booking) else None,
            }
        case "BOOKING_REJECTED":
            return {"rejectionReason": booking.cancellation_reason}
        case "BOOKING_RESCHEDULED":
            return {"cancellationReason": booking.rescheduling_reason, "rescheduledBy": booking.rescheduled_by_email}
        case _:
            return {}


def _asks_for_another(booking: ApiBooking) -> bool:
    """The API does not say whether a host only asks for another time; the reason that Cal.com writes then does."""
    if not (booking.cancellation_reason or "").strip().lower().startswith(_ASKS_FOR_ANOTHER):
        return False
    by = booking.cancelled_by_email
    return by is None or by.lower() in {(host.email or "").lower() for host in booking.hosts}


def is_seated(booking: ApiBooking) -> bool:
    """Whether each attendee has a seat of their own."""
    return any(one.seat_uid is not None for one in booking.attendees)


def is_guest(booking: ApiBooking, address: str) -> bool:
    """Whether whoever has this address booked the meeting with somebody else, or was brought along to it."""
    booker = booking.booking_fields_responses.get("email") or next((one.email for one in booking.attendees), None)
    invited = {_key(booker), *map(_key, booking.guests)}
    return _key(address) in invited - {_key(host.email) for host in booking.hosts}


def guests_of(booking: ApiBooking) -> list[ApiAttendee]:
    """The attendees, the booker first, without those of our own team whom Cal.com keeps among them."""
    booked = {_key(booking.booking_fields_responses.get("email")), *map(_key, booking.guests)}
    ours = {_key(host.email) for host in booking.hosts}
    domains = {address.rpartition("@")[2] for address in ours if address}
    listed = [one for one in booking.attendees if not _is_of_team(one, booked, ours, domains)]
    known = {_key(one.email) for one in listed}
    return [*listed, *(ApiAttendee(email=email) for email in booking.guests if _key(email) not in known)]


def _is_of_team(one: ApiAttendee, booked: set[str], ours: set[str], domains: set[str]) -> bool:
    """Rows of co-hosts stand among the attendees; whoever booked, or was brought along, is a guest all the same."""
    address = _key(one.email)
    if not address or address in booked:
        return False
    return address in ours or (bool(booked - {""}) and address.rpartition("@")[2] in domains)


def _key(address: object) -> str:
    return address.strip().lower() if isinstance(address, str) else ""


def _host(host: ApiHost) -> dict[str, Any]:
    return {
        "id": host.id,
        "name": host.name,
        "email": host.email,
        "username": host.username,
        "timeZone": host.time_zone,
    }


def _attendee(one: ApiAttendee) -> dict[str, Any]:
    attendee = {
        "email": one.email,
        "name": one.name,
        "timeZone": one.time_zone,
        "language": {"locale": one.language},
        "phoneNumber": one.phone_number,
        "bookingSeat": None if one.seat_uid is None else {"referenceUid": one.seat_uid},
    }
    return {name: value for name, value in attendee.items() if value is not None}


def _answers(responses: Mapping[str, Any]) -> dict[str, Any]:
    return {slug: {"label": slug, "value": value} for slug, value in responses.items()}


def _time(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
