"""Renders the events of a run as webhook bodies: compact JSON in raw UTF-8, in the shape of hosted Cal.com, 2026."""

from datetime import datetime, timedelta
from typing import Any, TypeAlias

import msgspec

from showup.simulation.models import SimulatedWebhook
from showup.simulation.render_booking import booking_payload, instant, no_show_fields
from showup.simulation.render_meeting import meeting_fields, row_attendees

Json: TypeAlias = dict[str, Any]

# Cal.com sends the same event again a few milliseconds later when a user has several webhooks.
_RESENT_AFTER = timedelta(milliseconds=7)


def render(webhook: SimulatedWebhook) -> bytes:
    """Returns the exact bytes of one webhook; the same event gives the same bytes."""
    return msgspec.json.encode(_body(webhook))


def render_envelope(trigger: str, at: datetime, payload: Json) -> bytes:
    """Returns the bytes of an enveloped webhook with any payload."""
    return msgspec.json.encode({"triggerEvent": trigger, "createdAt": instant(at), "payload": payload})


def _body(webhook: SimulatedWebhook) -> Json:
    match webhook.trigger:
        case "MEETING_STARTED" | "MEETING_ENDED":
            return {"triggerEvent": webhook.trigger, **meeting_fields(webhook)}
        case "BOOKING_NO_SHOW_UPDATED":
            assert webhook.booking is not None, "a no-show mark belongs to a booking"
            return _envelope(webhook, no_show_fields(webhook.booking, webhook.marks))
        case "AFTER_GUESTS_CAL_VIDEO_NO_SHOW":
            return _envelope(webhook, _guests_absent(webhook))
        case "PING":
            return _envelope(webhook, _ping(webhook))
        case "FORM_SUBMITTED":
            return {"Work-email": webhook.by, **_envelope(webhook, _form(webhook))}
        case _:
            return _envelope(webhook, booking_payload(webhook))


def _envelope(webhook: SimulatedWebhook, payload: Json) -> Json:
    at = webhook.at + webhook.resend_count * _RESENT_AFTER
    return {"triggerEvent": webhook.trigger, "createdAt": instant(at), "payload": payload}


def _guests_absent(webhook: SimulatedWebhook) -> Json:
    booking = webhook.booking
    assert booking is not None, "missing guests belong to a booking"
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
        "message": f"Guest didn't join the call or didn't join before {webhook.at:%Y-%m-%d %H:%M:%S} +00:00",
    }


def _ping(webhook: SimulatedWebhook) -> Json:
    moment = instant(webhook.at)
    person = {"timeZone": "Europe/London", "language": {"locale": "en"}, "utcOffset": 0}
    return {
        "type": "Test",
        "title": "Test trigger event",
        "startTime": moment,
        "endTime": moment,
        "attendees": [{"email": "jdoe@example.com", "name": "John Doe", **person}],
        "organizer": {"name": "Cal", "email": "no-reply@cal.com", **person},
    }


def _form(webhook: SimulatedWebhook) -> Json:
    return {
        "formId": "0f9c1f30-5d4a-4a59-9d0f-0c6a6f6d2a11",
        "formName": "Talk to sales",
        "teamId": None,
        "responses": {"Work email": {"value": webhook.by, "response": webhook.by}},
    }
