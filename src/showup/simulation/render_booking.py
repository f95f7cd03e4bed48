"""What every enveloped webhook says of a booking: one uniform set of fields, read from Cal.com's tables."""

from datetime import datetime, timedelta
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from showup.simulation.news import Attendee, Booking, News, Organizer
from showup.simulation.render_settings import event_type_fields, platform_fields

Json: TypeAlias = dict[str, Any]

# By this mark Showup and its users tell what was simulated; nothing about it is ever sent to the outside.
MARK = {"showup": "simulated"}


def instant(at: datetime, *, milliseconds_later: int = 0) -> str:
    """`at` as Cal.com writes times: UTC to the millisecond, with a Z."""
    at += timedelta(milliseconds=milliseconds_later)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def booking_fields(news: News) -> Json:
    """The `payload` of a booking's webhook, with what its trigger adds."""
    booking = news.booking
    assert booking is not None, f"{news.trigger} tells of a booking"
    return {
        "bookerUrl": "https://cal.com",
        "title": booking.title,
        "startTime": instant(booking.start_at),
        "endTime": instant(booking.end_at),
        "additionalNotes": booking.notes,
        "description": booking.notes,
        "organizer": _organizer(booking.organizer, booking.start_at),
        "attendees": [_attendee(one, booking.start_at) for one in booking.attendees],
        "customInputs": {},
        "responses": responses(booking),
        "userFieldsResponses": {},
        "location": booking.event_type.location,
        "iCalUID": booking.ical_uid,
        "iCalSequence": booking.sequence,
        "uid": booking.uid,
        "bookingId": booking.number,
        "status": booking.status,
        "cancellationReason": news.reason if news.trigger != "BOOKING_REJECTED" else None,
        "rejectionReason": news.reason if news.trigger == "BOOKING_REJECTED" else None,
        "videoCallData": {
            "type": "daily_video",
            "id": booking.uid[:9],
            "password": "",
            "url": booking.meeting_url,
        },
        "metadata": {"source": "website", "videoCallUrl": booking.meeting_url, **MARK},
        **event_type_fields(booking.event_type),
        **platform_fields(booking.organizer),
        **_what_the_trigger_adds(news, booking),
    }


def responses(booking: Booking, *, labels: dict[str, str] | None = None) -> Json:
    """The answers of the booker, the first attendee; an unanswered question has no `value`."""
    booker, guests = booking.attendees[0], [one.email for one in booking.attendees[1:] if one.seat is None]
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
    labels = _LABELS if labels is None else labels
    return {
        slug: {"label": labels.get(slug, slug)} | ({} if value is None else {"value": value})
        for slug, value in answers.items()
    }


_LABELS = {
    "name": "your_name",
    "email": "email_address",
    "notes": "additional_notes",
    "guests": "additional_guests",
}


def _what_the_trigger_adds(news: News, booking: Booking) -> Json:
    seat = {"attendeeSeatId": news.seat} if news.seat is not None else {}
    match news.trigger:
        case "BOOKING_CANCELLED":
            return {"cancelledBy": news.by, "requestReschedule": news.request_reschedule, **seat}
        case "BOOKING_RESCHEDULED" if (old := booking.previous) is not None:
            return {
                "rescheduleId": old.number,
                "rescheduleUid": old.uid,
                "rescheduleStartTime": instant(old.start_at),
                "rescheduleEndTime": instant(old.end_at),
                "rescheduledBy": news.by,
            }
        case "BOOKING_LOCATION_UPDATED":
            return {"location": booking.meeting_url, "previousLocation": news.previous_location}
        case "BOOKING_REASSIGNED" if news.replaced is not None:
            return {"addedHostUserIds": [booking.organizer.id], "removedHostUserIds": [news.replaced.id]}
        case "BOOKING_PAID":
            return {"paymentId": booking.number, "metadata": _payment_metadata(booking)}
        case _:
            return seat


def _payment_metadata(booking: Booking) -> Json:
    """For this one trigger Cal.com puts the payment's own metadata in the place of the booking's."""
    return {
        "identifier": "cal.com",
        "bookingId": booking.number,
        "eventTypeId": booking.event_type.id,
        "bookerEmail": booking.attendees[0].email,
        "eventTitle": booking.event_type.title,
        "externalId": f"pi_{booking.uid}",
        **MARK,
    }


def _organizer(organizer: Organizer, at: datetime) -> Json:
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


def _attendee(attendee: Attendee, at: datetime) -> Json:
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
    """Minutes by which `zone` is ahead of UTC at that moment."""
    offset = at.astimezone(ZoneInfo(zone)).utcoffset()
    return 0 if offset is None else int(offset.total_seconds() // 60)
