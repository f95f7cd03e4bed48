"""MEETING_STARTED and MEETING_ENDED: the booking's row itself, flat; its `createdAt` is the booking's own."""

import uuid
from typing import Any

from tests.fake_calcom.bodies import apps_status, booking_answers, encoded
from tests.fake_calcom.rows import Booking, instant

_EMPTY = (
    "rejectionReason",
    "reassignReason",
    "reassignById",
    "dynamicEventSlugRef",
    "dynamicGroupSlugRef",
    "smsReminderNumber",
    "rating",
    "ratingFeedback",
    "oneTimePassword",
    "cancelledBy",
)


def meeting_body(trigger: str, booking: Booking) -> bytes:
    return encoded({"triggerEvent": trigger, **_row(booking)})


def _row(booking: Booking) -> dict[str, Any]:
    return {
        **dict.fromkeys(_EMPTY),
        "id": booking.id,
        "uid": booking.uid,
        "idempotencyKey": _made_of(booking.uid),
        "title": booking.title,
        "description": booking.notes,
        "customInputs": [],
        "responses": {slug: {"label": slug, "value": value} for slug, value in booking_answers(booking).items()},
        "userFieldsResponses": {},
        "startTime": instant(booking.start_at),
        "endTime": instant(booking.end_at),
        "createdAt": instant(booking.created_at),
        "updatedAt": instant(booking.updated_at) if booking.updated_at else None,
        "status": booking.status,
        "location": booking.event_type.location,
        "metadata": {**booking.metadata, "videoCallUrl": booking.meeting_url},
        "iCalUID": booking.ical_uid,
        "iCalSequence": booking.sequence,
        "noShowHost": booking.absent_host,
        "fromReschedule": booking.from_uid,
        "rescheduled": booking.rescheduled or None,
        "rescheduledBy": booking.rescheduled_by,
        "recurringEventId": booking.recurring_uid,
        "cancellationReason": booking.reschedule_reason,
        "paid": False,
        "eventTypeId": booking.event_type.id,
        "destinationCalendarId": booking.host.id + 7,
        "scheduledJobs": [],
        "isRecorded": False,
        "creationSource": "WEBAPP",
        "eventType": {"bookingFields": None, "team": None},
        "attendees": _attendees(booking),
        "payment": [],
        "references": _references(booking),
        "appsStatus": [apps_status("Google Calendar", "google_calendar"), apps_status("Cal Video", "daily_video")],
        **_user(booking),
    }


def _attendees(booking: Booking) -> list[dict[str, Any]]:
    return [
        {
            "id": booking.id * 10 + place,
            "name": one.name,
            "email": one.email,
            "timeZone": one.time_zone,
            "locale": one.locale,
            "phoneNumber": one.phone,
            "bookingId": booking.id,
            "noShow": one.absent,
        }
        for place, one in enumerate(booking.attendees)
    ]


def _user(booking: Booking) -> dict[str, Any]:
    host = booking.host
    return {
        "userId": host.id,
        "userUuid": _made_of(host.email),
        "userPrimaryEmail": host.email,
        "user": {
            "email": host.email,
            "name": host.name,
            "username": host.username,
            "timeZone": host.time_zone,
            "locale": None,
            "uuid": _made_of(host.email),
            "isPlatformManaged": False,
        },
    }


def _references(booking: Booking) -> list[dict[str, Any]]:
    where = {"meetingUrl": booking.meeting_url, "bookingId": booking.id}
    entry = f"_{booking.uid.lower()}"
    return [
        {"id": booking.id + 1, "type": "google_calendar", "uid": entry, "meetingId": entry, **where},
        {"id": booking.id + 2, "type": "daily_video", "uid": booking.uid, "meetingId": None, **where},
    ]


def _made_of(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))
