"""Builds the webhook that Cal.com should have sent from a booking of its API, so a missed event is ingested normally.

The same booking makes the same bytes, so a repeated body is recognised by its digest.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from showup.events.details import ReplacedBooking
from showup.sources.calcom.api_values import ApiAttendee, ApiBooking, ApiHost
from showup.sources.calcom.booking_details.answers import booker_email, read_answers
from showup.sources.calcom.payload import url
from showup.values.email_address import normalize_email

WebhookTrigger: TypeAlias = Literal[
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

# The status that a change gives a booking; any other change leaves it as it is.
_STATUS: Mapping[str, str] = {
    "BOOKING_CREATED": "ACCEPTED",
    "BOOKING_RESCHEDULED": "ACCEPTED",
    "BOOKING_REQUESTED": "PENDING",
    "BOOKING_REJECTED": "REJECTED",
    "BOOKING_CANCELLED": "CANCELLED",
}
# Cal.com starts a cancellation reason this way when a host only requests another time.
_RESCHEDULE_PREFIX = "please reschedule"


class SyntheticWebhook(Struct, frozen=True, kw_only=True):
    """The content of a synthetic webhook: its trigger and its time (None: the time it is received).

    `replaces`: the booking that it replaced. `seats`: the attendees concerned, where a booking has seats. `absences`:
    by address, who was absent and who attended.
    """

    trigger: WebhookTrigger
    at: datetime | None
    replaces: ReplacedBooking | None = None
    seats: tuple[ApiAttendee, ...] = ()
    absences: tuple[tuple[str, bool], ...] = ()


def build_webhook(booking: ApiBooking, webhook: SyntheticWebhook) -> bytes:
    """Returns the body of the webhook."""
    if webhook.trigger == "MEETING_ENDED":
        body = {"triggerEvent": webhook.trigger, **_row(booking)}
    else:
        build_payload = _absences if webhook.trigger == "BOOKING_NO_SHOW_UPDATED" else _payload
        created = {} if webhook.at is None else {"createdAt": _time(webhook.at)}
        body = {"triggerEvent": webhook.trigger, **created, "payload": build_payload(booking, webhook)}
    return msgspec.json.encode(body)


def _payload(booking: ApiBooking, webhook: SyntheticWebhook) -> dict[str, Any]:
    organizer = booking.hosts[0] if booking.hosts else None
    payload = {
        **_meeting(booking),
        "bookingId": booking.id,
        "type": booking.event_type.slug,
        "length": booking.duration,
        "status": _STATUS.get(webhook.trigger, booking.status.upper()),
        "organizer": None if organizer is None else _host(organizer),
        "attendees": [_attendee(one) for one in webhook.seats or list_guests(booking)],
        "team": {"members": [_host(one) for one in booking.hosts[1:]]} if booking.hosts[1:] else None,
        **_seats(booking, webhook.seats),
        **_replaced(webhook.replaces),
        **_reasons(booking, webhook),
    }
    return {name: value for name, value in payload.items() if value is not None}


def _row(booking: ApiBooking) -> dict[str, Any]:
    organizer = booking.hosts[0] if booking.hosts else ApiHost()
    row = {
        **_meeting(booking),
        "id": booking.id,
        "createdAt": None if booking.created_at is None else _time(booking.created_at),
        "status": booking.status.upper(),
        "noShowHost": booking.absent_host or False,
        "userPrimaryEmail": organizer.email,
        "user": _host(organizer),
        "attendees": [_attendee(one) for one in list_guests(booking)],
        "fromReschedule": booking.rescheduled_from_uid,
    }
    return {name: value for name, value in row.items() if value is not None}


def _absences(booking: ApiBooking, webhook: SyntheticWebhook) -> dict[str, Any]:
    marked = [{"email": email, "noShow": absent} for email, absent in webhook.absences]
    return {"bookingUid": booking.uid, "bookingId": booking.id, "attendees": marked}


def _meeting(booking: ApiBooking) -> dict[str, Any]:
    metadata = dict(booking.metadata)
    if booking.meeting_url is not None and url(metadata.get("videoCallUrl")) is None:
        metadata["videoCallUrl"] = booking.meeting_url
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
        "recurringEventId": booking.recurring_booking_uid,
        "responses": _answers(booking.booking_fields_responses),
    }


def _seats(booking: ApiBooking, seats: Sequence[ApiAttendee]) -> dict[str, Any]:
    if not is_seated(booking):
        return {}
    only_seat = seats[0] if len(seats) == 1 else None
    answers = {} if only_seat is None else {"responses": _answers(only_seat.booking_fields_responses)}
    return {
        "seatsPerTimeSlot": len(booking.attendees),
        "attendeeSeatId": None if only_seat is None else only_seat.seat_uid,
        **answers,
    }


def _replaced(replaces: ReplacedBooking | None) -> dict[str, Any]:
    if replaces is None:
        return {}
    return {
        "rescheduleUid": replaces.uid,
        "rescheduleStartTime": None if replaces.start_time is None else _time(replaces.start_time),
        "rescheduleEndTime": None if replaces.end_time is None else _time(replaces.end_time),
    }


def _reasons(booking: ApiBooking, webhook: SyntheticWebhook) -> dict[str, Any]:
    match webhook.trigger:
        case "BOOKING_CANCELLED":
            return {
                "cancellationReason": booking.cancellation_reason,
                "cancelledBy": booking.cancelled_by_email,
                "requestReschedule": True if _is_reschedule_request(booking) else None,
            }
        case "BOOKING_REJECTED":
            return {"rejectionReason": booking.cancellation_reason}
        case "BOOKING_RESCHEDULED":
            return {"cancellationReason": booking.rescheduling_reason, "rescheduledBy": booking.rescheduled_by_email}
        case _:
            return {}


def _is_reschedule_request(booking: ApiBooking) -> bool:
    """Returns whether a host only requests another time; the API shows it only in Cal.com's standard reason."""
    if not (booking.cancellation_reason or "").strip().lower().startswith(_RESCHEDULE_PREFIX):
        return False
    by = booking.cancelled_by_email
    return by is None or normalize_email(by) in {normalize_email(host.email) for host in booking.hosts}


def is_seated(booking: ApiBooking) -> bool:
    """Returns whether each attendee has a seat."""
    return any(one.seat_uid is not None for one in booking.attendees)


def is_guest(booking: ApiBooking, address: str) -> bool:
    """Returns whether the address belongs to the booker or an added guest, and to no host."""
    ours = _host_emails(booking)
    booker = _answered_email(booking, ours) or next((one.email for one in booking.attendees), None)
    invited = {normalize_email(booker), *map(normalize_email, booking.guests)}
    return normalize_email(address) in invited - ours


def list_guests(booking: ApiBooking) -> list[ApiAttendee]:
    """Returns the attendees without the hosts, whom Cal.com lists among them; a host who booked is an attendee too.

    Colleagues of the hosts remain, as in Cal.com's own webhooks: the rules decide whether they are prospects.
    """
    ours = _host_emails(booking)
    booker = booking.booking_fields_responses.get("email") or _answered_email(booking, ours)
    left_out = ours - {normalize_email(booker), *map(normalize_email, booking.guests)}
    listed = [one for one in booking.attendees if not one.email or normalize_email(one.email) not in left_out]
    known = {normalize_email(one.email) for one in listed}
    return [*listed, *(ApiAttendee(email=email) for email in booking.guests if normalize_email(email) not in known)]


def _host_emails(booking: ApiBooking) -> set[str]:
    return {normalize_email(host.email) for host in booking.hosts}


def _answered_email(booking: ApiBooking, hosts: set[str]) -> str | None:
    fields = {"bookingFieldsResponses": booking.booking_fields_responses, "metadata": booking.metadata}
    return booker_email(read_answers(fields), fields, hosts)


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
        "language": None if one.language is None else {"locale": one.language},
        "phoneNumber": one.phone_number,
        "bookingSeat": None if one.seat_uid is None else {"referenceUid": one.seat_uid},
    }
    return {name: value for name, value in attendee.items() if value is not None}


def _answers(responses: Mapping[str, Any]) -> dict[str, Any]:
    return {slug: {"label": slug, "value": value} for slug, value in responses.items()}


def _time(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
