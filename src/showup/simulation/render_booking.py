"""Renders the booking in enveloped webhooks: one uniform set of fields, read from Cal.com's tables."""

from datetime import UTC, datetime
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from showup.simulation.models import (
    PreviousBooking,
    SimulatedAttendee,
    SimulatedBooking,
    SimulatedOrganizer,
    SimulatedWebhook,
)
from showup.simulation.render_settings import event_type_fields, platform_fields

Json: TypeAlias = dict[str, Any]


def instant(at: datetime) -> str:
    """Returns `at` as Cal.com writes times: UTC to the millisecond, with a Z."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def booking_payload(webhook: SimulatedWebhook) -> Json:
    """Returns the `payload` of a booking's webhook, with the additions of its trigger."""
    assert webhook.booking is not None, f"{webhook.trigger} is about a booking"
    return booking_fields(webhook.booking) | _trigger_fields(webhook, webhook.booking)


def booking_fields(booking: SimulatedBooking) -> Json:
    """Returns the fields that the webhooks of all triggers have."""
    return {
        "bookerUrl": "https://cal.com",
        "title": booking.title,
        "startTime": instant(booking.start_at),
        "endTime": instant(booking.end_at),
        "additionalNotes": booking.notes,
        "description": booking.notes,
        "organizer": _organizer(booking.organizer, booking.start_at),
        "attendees": [_attendee(attendee, booking.start_at) for attendee in booking.attendees],
        "customInputs": {},
        "responses": responses(booking),
        "userFieldsResponses": {},
        "location": booking.event_type.location,
        "iCalUID": booking.ical_uid,
        "iCalSequence": booking.sequence,
        "uid": booking.uid,
        "bookingId": booking.number,
        "status": booking.status,
        "cancellationReason": None,
        "rejectionReason": None,
        "videoCallData": {
            "type": "daily_video",
            "id": booking.uid[:9],
            "password": "",
            "url": booking.meeting_url,
        },
        "metadata": booking_metadata(booking),
        **event_type_fields(booking.event_type),
        **platform_fields(booking.organizer),
    }


def booking_metadata(booking: SimulatedBooking) -> Json:
    """Returns what the booking page and Cal.com's apps store with a booking."""
    return {"source": "website", "videoCallUrl": booking.meeting_url}


def responses(booking: SimulatedBooking, *, labels: dict[str, str] | None = None) -> Json:
    """Returns the answers of the booker, the first attendee; an unanswered question has no `value`."""
    booker, guests = (
        booking.attendees[0],
        [attendee.email for attendee in booking.attendees[1:] if attendee.seat is None],
    )
    answers: dict[str, Any] = {
        "name": booker.name,
        "email": booker.email,
        "attendeePhoneNumber": booker.phone,
        "location": {"value": booking.event_type.location, "optionValue": ""},
        "company": booking.company_answer,
        "notes": booking.notes or None,
        "guests": guests,
        "rescheduleReason": booking.reschedule_reason,
    }
    labels = LABELS if labels is None else labels
    return {
        slug: {"label": labels.get(slug, slug)} | ({} if value is None else {"value": value})
        for slug, value in answers.items()
    }


# By the slugs of the questions.
LABELS = {
    "name": "your_name",
    "email": "email_address",
    "notes": "additional_notes",
    "guests": "additional_guests",
}


def _trigger_fields(webhook: SimulatedWebhook, booking: SimulatedBooking) -> Json:
    seat = {"attendeeSeatId": webhook.seat} if webhook.seat is not None else {}
    # Cal.com puts the reason of a reschedule into the same field.
    reason = {"cancellationReason": webhook.reason}
    match webhook.trigger:
        case "BOOKING_CANCELLED":
            return {"cancelledBy": webhook.by, "requestReschedule": webhook.request_reschedule, **reason, **seat}
        case "BOOKING_REJECTED":
            return {"rejectionReason": webhook.reason}
        case "BOOKING_REQUESTED" if booking.previous is not None:
            return previous_fields(booking.previous)
        case "BOOKING_RESCHEDULED" if booking.previous is not None:
            return {**previous_fields(booking.previous), "rescheduledBy": webhook.by, **reason, **seat}
        case "BOOKING_LOCATION_UPDATED":
            return {"location": booking.meeting_url, "previousLocation": webhook.previous_location}
        case "BOOKING_REASSIGNED" if webhook.replaced is not None:
            return {"addedHostUserIds": [booking.organizer.id], "removedHostUserIds": [webhook.replaced.id]}
        case "BOOKING_PAID":
            return {"paymentId": booking.number, "metadata": _payment_metadata(booking)}
        case _:
            return seat


def previous_fields(previous: PreviousBooking) -> Json:
    """Returns the fields that name the replaced booking, with its OLD times."""
    return {
        "rescheduleId": previous.number,
        "rescheduleUid": previous.uid,
        "rescheduleStartTime": instant(previous.start_at),
        "rescheduleEndTime": instant(previous.end_at),
    }


def no_show_fields(booking: SimulatedBooking, marks: tuple[tuple[str, bool], ...]) -> Json:
    """Returns the payload of BOOKING_NO_SHOW_UPDATED; `marks` says of attendees whether they were absent."""
    return {
        "bookingUid": booking.uid,
        "bookingId": booking.number,
        "attendees": [{"email": email, "noShow": is_absent} for email, is_absent in marks],
        "message": ", ".join(f"{email} {'' if is_absent else 'un'}marked as no-show" for email, is_absent in marks),
    }


def _payment_metadata(booking: SimulatedBooking) -> Json:
    """Returns the payment's own metadata, which Cal.com sends instead of the booking's for this one trigger."""
    return {
        "identifier": "cal.com",
        "bookingId": booking.number,
        "eventTypeId": booking.event_type.id,
        "bookerEmail": booking.attendees[0].email,
        "eventTitle": booking.event_type.title,
        "externalId": f"pi_{booking.uid}",
    }


def _organizer(organizer: SimulatedOrganizer, at: datetime) -> Json:
    return {
        "id": organizer.id,
        "name": organizer.name,
        "email": organizer.email,
        "username": organizer.username,
        "timeZone": organizer.time_zone,
        "language": {"locale": organizer.locale},
        "timeFormat": "h:mma",
        "utcOffset": utc_offset(organizer.time_zone, at),
    }


def _attendee(attendee: SimulatedAttendee, at: datetime) -> Json:
    first, _, last = attendee.name.partition(" ")
    return {
        "name": attendee.name,
        "email": attendee.email,
        "timeZone": attendee.time_zone,
        "language": {"locale": attendee.locale},
        "phoneNumber": attendee.phone,
        "bookingSeat": None if attendee.seat is None else {"referenceUid": attendee.seat},
        "utcOffset": utc_offset(attendee.time_zone, at),
        "firstName": first,
        "lastName": last,
    }


def utc_offset(zone: str, at: datetime) -> int:
    """Returns the minutes by which `zone` is ahead of UTC at that moment."""
    offset = at.astimezone(ZoneInfo(zone)).utcoffset()
    return 0 if offset is None else int(offset.total_seconds() // 60)
