"""The news of a run as webhook bodies: compact JSON in raw UTF-8, in the shape of hosted Cal.com, 2026."""

from typing import Any, TypeAlias

import msgspec

from showup.simulation.news import News
from showup.simulation.render_booking import booking_fields, instant
from showup.simulation.render_meeting import meeting_fields, row_attendees

Json: TypeAlias = dict[str, Any]

# Cal.com tells the same news again a few milliseconds later when several of a user's webhooks listen.
_RETOLD_AFTER_MS = 7


def render(news: News) -> bytes:
    """The exact bytes of one webhook; the same news gives the same bytes."""
    return msgspec.json.encode(_body(news))


def _body(news: News) -> Json:
    match news.trigger:
        case "MEETING_STARTED" | "MEETING_ENDED":
            return {"triggerEvent": news.trigger, **meeting_fields(news)}
        case "BOOKING_NO_SHOW_UPDATED":
            return _enveloped(news, _marks(news))
        case "AFTER_GUESTS_CAL_VIDEO_NO_SHOW":
            return _enveloped(news, _missing_guests(news))
        case "PING":
            return _enveloped(news, _test(news))
        case "FORM_SUBMITTED":
            return {"Work-email": news.by, **_enveloped(news, _form(news))}
        case _:
            return _enveloped(news, booking_fields(news))


def _enveloped(news: News, payload: Json) -> Json:
    at = instant(news.at, milliseconds_later=news.copy * _RETOLD_AFTER_MS)
    return {"triggerEvent": news.trigger, "createdAt": at, "payload": payload}


def _marks(news: News) -> Json:
    assert news.booking is not None, "attendees are marked in a booking"
    attendees = [{"email": email, "noShow": absent} for email, absent in news.marks]
    said = ", ".join(f"{email} {'' if absent else 'un'}marked as no-show" for email, absent in news.marks)
    return {
        "bookingUid": news.booking.uid,
        "bookingId": news.booking.number,
        "attendees": attendees,
        "message": said,
    }


def _missing_guests(news: News) -> Json:
    booking = news.booking
    assert booking is not None, "guests are missed in a booking"
    return {
        "title": booking.title,
        "bookingId": booking.number,
        "bookingUid": booking.uid,
        "startTime": instant(booking.start_at),
        "attendees": row_attendees(booking, ()),
        "endTime": instant(booking.end_at),
        "participants": [],
        "eventType": {
            "id": booking.event_type.id,
            "teamId": None,
            "parentId": None,
            "calVideoSettings": None,
        },
        "webhook": {
            "id": "2bdfc20b-aa4a-4863-a499-932cb1d4e69a",
            "subscriberUrl": "https://showup.example/webhooks/calcom",
            "appId": None,
            "time": 5,
            "timeUnit": "MINUTE",
            "eventTriggers": ["AFTER_GUESTS_CAL_VIDEO_NO_SHOW"],
            "payloadTemplate": None,
        },
        "message": f"Guest didn't join the call or didn't join before {news.at:%Y-%m-%d %H:%M:%S} +00:00",
    }


def _test(news: News) -> Json:
    moment = instant(news.at)
    person = {"timeZone": "Europe/London", "language": {"locale": "en"}, "utcOffset": 0}
    return {
        "type": "Test",
        "title": "Test trigger event",
        "startTime": moment,
        "endTime": moment,
        "attendees": [{"email": "jdoe@example.com", "name": "John Doe", **person}],
        "organizer": {"name": "Cal", "email": "no-reply@cal.com", **person},
    }


def _form(news: News) -> Json:
    return {
        "formId": "0f9c1f30-5d4a-4a59-9d0f-0c6a6f6d2a11",
        "formName": "Talk to sales",
        "teamId": None,
        "responses": {"Work email": {"value": news.by, "response": news.by}},
    }
