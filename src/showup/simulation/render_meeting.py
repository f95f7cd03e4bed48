"""MEETING_STARTED and MEETING_ENDED: a row of Cal.com's, sent flat, with the booking's own `createdAt`."""

import uuid
from datetime import timedelta
from typing import Any, TypeAlias

from showup.simulation.news import Booking, News
from showup.simulation.render_booking import MARK, instant, responses
from showup.simulation.render_settings import apps_status

Json: TypeAlias = dict[str, Any]

# Cal.com touches the row soon after it was made, when calendar and video links are there.
_LINKED_AFTER = timedelta(seconds=6)


def meeting_fields(news: News) -> Json:
    """The fields that stand beside `triggerEvent` at the root of the body."""
    booking = news.booking
    assert booking is not None, "a meeting belongs to a booking"
    return {
        "id": booking.number,
        "uid": booking.uid,
        "idempotencyKey": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{booking.uid}/{news.copy}")),
        "title": booking.title,
        "description": booking.notes,
        "customInputs": [],
        "responses": responses(booking, labels={}),
        "userFieldsResponses": {},
        "startTime": instant(booking.start_at),
        "endTime": instant(booking.end_at),
        "createdAt": instant(booking.created_at),
        "updatedAt": instant(booking.created_at + _LINKED_AFTER),
        "status": booking.status,
        "location": booking.event_type.location,
        "metadata": {"source": "website", "videoCallUrl": booking.meeting_url, **MARK},
        "iCalUID": booking.ical_uid,
        "iCalSequence": booking.sequence,
        "noShowHost": news.host_absent,
        "fromReschedule": booking.previous.uid if booking.previous is not None else None,
        # Not that anything was cancelled: Cal.com keeps the reason of a reschedule in this column.
        "cancellationReason": booking.reschedule_reason,
        "attendees": row_attendees(booking, news.marks),
        "references": _references(booking),
        **_user_fields(booking),
        **_quiet_fields(booking),
    }


def row_attendees(booking: Booking, marks: tuple[tuple[str, bool], ...]) -> list[Json]:
    """Attendees as rows of Cal.com's database; `noShow` where `marks` say so of an address."""
    absent = dict(marks)
    return [
        {
            "id": booking.number * 10 + place,
            "name": one.name,
            "email": one.email,
            "timeZone": one.time_zone,
            "locale": one.locale,
            "phoneNumber": one.phone,
            "bookingId": booking.number,
            "noShow": absent.get(one.email, False),
        }
        for place, one in enumerate(booking.attendees)
    ]


def _user_fields(booking: Booking) -> Json:
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


def _references(booking: Booking) -> list[Json]:
    meeting = {"meetingUrl": booking.meeting_url, "bookingId": booking.number}
    event = f"_{booking.uid.lower()}"
    return [
        {"id": booking.number + 1, "type": "google_calendar", "uid": event, "meetingId": event, **meeting},
        {"id": booking.number + 2, "type": "daily_video", "uid": booking.uid, "meetingId": None, **meeting},
    ]


def _quiet_fields(booking: Booking) -> Json:
    """What the row also holds and says nothing about."""
    nothing = (
        "rejectionReason reassignReason reassignById dynamicEventSlugRef dynamicGroupSlugRef rescheduled "
        "recurringEventId smsReminderNumber rating ratingFeedback oneTimePassword cancelledBy rescheduledBy"
    )
    return {
        **dict.fromkeys(nothing.split()),
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
