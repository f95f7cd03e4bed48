"""Renders MEETING_STARTED and MEETING_ENDED: a flat database row of Cal.com, with the booking's own `createdAt`."""

import uuid
from datetime import timedelta
from typing import Any, TypeAlias

from showup.simulation.models import SimulatedBooking, SimulatedWebhook
from showup.simulation.render_booking import booking_metadata, instant, responses
from showup.simulation.render_settings import apps_status

Json: TypeAlias = dict[str, Any]

# Cal.com updates the row soon after its creation, when calendar and video links exist.
_UPDATED_AFTER = timedelta(seconds=6)


def meeting_fields(webhook: SimulatedWebhook) -> Json:
    """Returns the fields beside `triggerEvent` at the root of the body."""
    booking = webhook.booking
    assert booking is not None, "a meeting belongs to a booking"
    return {
        "id": booking.number,
        "uid": booking.uid,
        "idempotencyKey": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{booking.uid}/{webhook.resend_count}")),
        "title": booking.title,
        "description": booking.notes,
        "customInputs": [],
        "responses": responses(booking, labels={}),
        "userFieldsResponses": {},
        "startTime": instant(booking.start_at),
        "endTime": instant(booking.end_at),
        "createdAt": instant(booking.created_at),
        "updatedAt": instant(booking.created_at + _UPDATED_AFTER),
        "status": booking.status,
        "location": booking.event_type.location,
        "metadata": booking_metadata(booking),
        "iCalUID": booking.ical_uid,
        "iCalSequence": booking.sequence,
        "noShowHost": webhook.host_absent,
        "fromReschedule": booking.previous.uid if booking.previous is not None else None,
        # Nothing was cancelled: Cal.com keeps the reason of a reschedule in this column.
        "cancellationReason": booking.reschedule_reason,
        "attendees": row_attendees(booking, webhook.marks),
        "references": _references(booking),
        **_user_fields(booking),
        **_unused_fields(booking),
    }


def row_attendees(booking: SimulatedBooking, marks: tuple[tuple[str, bool], ...]) -> list[Json]:
    """Returns attendees as rows of Cal.com's database; `noShow` where `marks` has the address."""
    absent_by_email = dict(marks)
    return [
        {
            "id": booking.number * 10 + position,
            "name": attendee.name,
            "email": attendee.email,
            "timeZone": attendee.time_zone,
            "locale": attendee.locale,
            "phoneNumber": attendee.phone,
            "bookingId": booking.number,
            "noShow": absent_by_email.get(attendee.email, False),
        }
        for position, attendee in enumerate(booking.attendees)
    ]


def _user_fields(booking: SimulatedBooking) -> Json:
    organizer = booking.organizer
    user_uuid = str(uuid.uuid5(uuid.NAMESPACE_URL, organizer.email))
    return {
        "userId": organizer.id,
        "userUuid": user_uuid,
        "userPrimaryEmail": organizer.email,
        "user": {
            "email": organizer.email,
            "name": organizer.name,
            "username": organizer.username,
            "timeZone": organizer.time_zone,
            "locale": None,
            "uuid": user_uuid,
            "isPlatformManaged": False,
        },
    }


def _references(booking: SimulatedBooking) -> list[Json]:
    meeting = {"meetingUrl": booking.meeting_url, "bookingId": booking.number}
    event = f"_{booking.uid.lower()}"
    return [
        {"id": booking.number + 1, "type": "google_calendar", "uid": event, "meetingId": event, **meeting},
        {"id": booking.number + 2, "type": "daily_video", "uid": booking.uid, "meetingId": None, **meeting},
    ]


def _unused_fields(booking: SimulatedBooking) -> Json:
    """Returns fields of the row that have no meaning here."""
    unused_names = (
        "rejectionReason reassignReason reassignById dynamicEventSlugRef dynamicGroupSlugRef rescheduled "
        "recurringEventId smsReminderNumber rating ratingFeedback oneTimePassword cancelledBy rescheduledBy"
    )
    return {
        **dict.fromkeys(unused_names.split()),
        "paid": booking.event_type.price > 0,
        "eventTypeId": booking.event_type.id,
        "destinationCalendarId": 1129581,
        "scheduledJobs": [],
        "isRecorded": False,
        "creationSource": "WEBAPP",
        "eventType": {"bookingFields": None, "team": None},
        "payment": [],
        "appsStatus": [
            apps_status("Google Calendar", "google_calendar"),
            apps_status("Cal Video", "daily_video"),
        ],
    }
