"""The content of Cal.com's webhooks about a booking, in the format of 2026: one set of fields in an envelope."""

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.fake_calcom.rows import Booking, EventType, Guest, User, instant

LABELS = {
    "name": "your_name",
    "email": "email_address",
    "notes": "additional_notes",
    "guests": "additional_guests",
}


def enveloped(trigger: str, at: datetime, payload: dict[str, Any]) -> bytes:
    return encoded({"triggerEvent": trigger, "createdAt": instant(at), "payload": payload})


def encoded(body: dict[str, Any]) -> bytes:
    """Returns compact JSON in raw UTF-8, as JavaScript writes it."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def booking_fields(booking: Booking, seats: list[Guest] | None = None, **added: Any) -> dict[str, Any]:
    """Returns the payload of any trigger about a booking; `seats` replaces all attendees."""
    attendees = booking.attendees if seats is None else seats
    return {
        "bookerUrl": "https://cal.com",
        "title": booking.title,
        "startTime": instant(booking.start_at),
        "endTime": instant(booking.end_at),
        "additionalNotes": booking.notes,
        "description": booking.notes,
        "organizer": _organizer(booking.host, booking.start_at),
        "attendees": [_attendee(one, booking.start_at) for one in attendees],
        "customInputs": {},
        "responses": {
            slug: {"label": LABELS.get(slug, slug), "value": value}
            for slug, value in booking_answers(booking, seats[0] if seats else None).items()
        },
        "userFieldsResponses": {},
        "location": booking.event_type.location,
        "iCalUID": booking.ical_uid,
        "iCalSequence": booking.sequence,
        "uid": booking.uid,
        "bookingId": booking.id,
        "status": booking.status,
        # This column also has the reason of a reschedule; it does not mean a cancellation.
        "cancellationReason": booking.cancellation_reason or booking.reschedule_reason,
        "rejectionReason": booking.rejection_reason,
        "videoCallData": {"type": "daily_video", "id": booking.uid[:9], "password": "", "url": booking.meeting_url},
        "metadata": {**booking.metadata, "videoCallUrl": booking.meeting_url},
        **_of_the_event_type(booking.event_type),
        **_of_the_platform(booking.host),
        **_of_the_series(booking),
        **added,
    }


def booking_answers(booking: Booking, seat: Guest | None = None) -> dict[str, Any]:
    """Returns the booker's answers as the row stores them; `seat`: those of that seat's attendee."""
    booker = seat or (booking.attendees[0] if booking.attendees else Guest("", ""))
    found: dict[str, Any] = {"name": booker.name, "email": booker.email}
    if booker.phone:
        found["attendeePhoneNumber"] = booker.phone
    if booking.notes:
        found["notes"] = booking.notes
    if booking.event_type.seats is None:
        found["guests"] = [one.email for one in booking.attendees[1:]]
    if booking.reschedule_reason:
        found["rescheduleReason"] = booking.reschedule_reason
    return {**found, **booking.answers, **booker.answers}


def previous_fields(old: Booking) -> dict[str, Any]:
    """Returns the fields that name the replaced booking; the times are the OLD ones."""
    return {
        "rescheduleId": old.id,
        "rescheduleUid": old.uid,
        "rescheduleStartTime": instant(old.start_at),
        "rescheduleEndTime": instant(old.end_at),
    }


def no_show_fields(booking: Booking, changed: list[Guest]) -> dict[str, Any]:
    marks = [{"email": one.email, "noShow": one.absent} for one in changed]
    message = "No-show updated"
    if len(changed) == 1:
        message = f"{changed[0].email} {'' if changed[0].absent else 'un'}marked as no-show"
    return {"bookingUid": booking.uid, "bookingId": booking.id, "attendees": marks, "message": message}


def ping_fields(at: datetime) -> dict[str, Any]:
    person = {"timeZone": "Europe/London", "language": {"locale": "en"}, "utcOffset": 0}
    return {
        "type": "Test",
        "title": "Test trigger event",
        "startTime": instant(at),
        "endTime": instant(at),
        "attendees": [{"email": "jdoe@example.com", "name": "John Doe", **person}],
        "organizer": {"name": "Cal", "email": "no-reply@cal.com", **person},
    }


def _organizer(host: User, at: datetime) -> dict[str, Any]:
    return {
        "id": host.id,
        "name": host.name,
        "email": host.email,
        "username": host.username,
        "timeZone": host.time_zone,
        "language": {"locale": host.locale},
        "timeFormat": "h:mma",
        "utcOffset": _offset(host.time_zone, at),
    }


def _attendee(guest: Guest, at: datetime) -> dict[str, Any]:
    first, _, last = guest.name.partition(" ")
    return {
        "name": guest.name,
        "email": guest.email,
        "timeZone": guest.time_zone,
        "language": {"locale": guest.locale},
        "phoneNumber": guest.phone,
        "bookingSeat": {"referenceUid": guest.seat_uid} if guest.seat_uid else None,
        "utcOffset": _offset(guest.time_zone, at),
        "firstName": first,
        "lastName": last,
    }


def _offset(zone: str, at: datetime) -> int:
    offset = at.astimezone(ZoneInfo(zone)).utcoffset()
    return int(offset.total_seconds() // 60) if offset else 0


def _of_the_event_type(event_type: EventType) -> dict[str, Any]:
    team = {} if event_type.team_id is None else {"team": {"id": event_type.team_id, "name": "Sellers", "members": []}}
    return {
        "type": event_type.slug,
        "eventTypeId": event_type.id,
        "eventTitle": event_type.title,
        "eventDescription": "",
        "length": event_type.lasts_for,
        "price": 0,
        "currency": "usd",
        "schedulingType": event_type.scheduling,
        "requiresConfirmation": event_type.confirmation,
        "seatsPerTimeSlot": event_type.seats,
        "seatsShowAttendees": True,
        "seatsShowAvailabilityCount": True,
        "hideCalendarNotes": False,
        "hideCalendarEventDetails": False,
        "hideOrganizerEmail": False,
        "customReplyToEmail": None,
        "disableRescheduling": False,
        "disableReschedulingScope": "HOST_AND_ATTENDEE",
        "disableCancelling": False,
        "disableCancellingScope": "HOST_AND_ATTENDEE",
        **team,
    }


def _of_the_platform(host: User) -> dict[str, Any]:
    calendar = {
        "id": host.id + 7,
        "integration": "google_calendar",
        "externalId": host.email,
        "primaryEmail": host.email,
        "userId": host.id,
        "credentialId": host.id + 11,
    }
    empty = ("platformClientId", "platformRescheduleUrl", "platformCancelUrl", "platformBookingUrl")
    return {
        **dict.fromkeys(empty, ""),
        "oneTimePassword": None,
        "organizationId": None,
        "hashedLink": None,
        "hideBranding": True,
        "appsStatus": [apps_status("Google Calendar", "google_calendar"), apps_status("Cal Video", "daily_video")],
        "destinationCalendar": [calendar, calendar],
        "assignmentReason": [],
    }


def apps_status(name: str, kind: str) -> dict[str, Any]:
    return {"appName": name, "type": kind, "success": 1, "failures": 0, "errors": []}


def _of_the_series(booking: Booking) -> dict[str, Any]:
    """Returns the fields of a series' booking; no body says which series."""
    if booking.occurrences is None:
        return {}
    return {"recurringEvent": {"freq": 2, "count": booking.occurrences, "interval": 1}}
