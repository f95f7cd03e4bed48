"""Formats a history for people, for the report of a failed test."""

import json
from collections.abc import Sequence

from tests.histories.calcom_week import ReceivedBody


def format_history(bodies: Sequence[ReceivedBody]) -> str:
    """Returns one line for each body: its position, its time and its content."""
    return "\n".join(f"{index:3} {_format_body(received)}" for index, received in enumerate(bodies))


def _format_body(received: ReceivedBody) -> str:
    body = json.loads(received.body)
    if received.account is None:
        event_fields = {name: value for name, value in body["event"].items() if name != "type"}
        command = f"{body['at']} {body['event']['type']} {event_fields} [{str(received.id)[:8]}]"
        return f"{command} received {received.received_at:%d %H:%M}"
    fields = body.get("payload", body)
    shown_fields = {
        name: fields[name]
        for name in (
            "uid",
            "bookingId",
            "bookingUid",
            "rescheduleUid",
            "requestReschedule",
            "startTime",
            "attendeeSeatId",
        )
        if name in fields
    }
    emails = [guest["email"] for guest in fields.get("attendees", [])]
    webhook = f"{body['createdAt']} {body['triggerEvent']} {shown_fields} {emails} of {received.account}"
    return f"{webhook} received {received.received_at:%d %H:%M}"
