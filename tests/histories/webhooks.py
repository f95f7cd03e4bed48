"""Builds webhook bodies as Cal.com would send them, for the histories of tests."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

MONDAY = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)
BEN = {"id": 1, "name": "Ben Host", "email": "ben@outbound.example", "timeZone": "UTC"}
ANN = {"id": 2, "name": "Ann Host", "email": "ann@outbound.example", "timeZone": "UTC"}


def format_time(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def attendee(email: str, name: str = "", **more: Any) -> dict[str, Any]:
    return {
        "email": email,
        "name": name or email.partition("@")[0].title(),
        "timeZone": "Europe/Berlin",
        **more,
    }


def body(trigger: str, at: datetime, payload: dict[str, Any]) -> bytes:
    envelope = {"triggerEvent": trigger, "createdAt": format_time(at), "payload": payload}
    return json.dumps(envelope, separators=(",", ":"), ensure_ascii=False).encode()


def payload(
    uid: str, number: int, start: datetime, emails: list[str], *, organizer: dict[str, Any] = BEN, **more: Any
) -> dict[str, Any]:
    return {
        "uid": uid,
        "bookingId": number,
        "title": f"Intro call {uid}",
        "type": "intro",
        "startTime": format_time(start),
        "endTime": format_time(start + timedelta(minutes=30)),
        "organizer": organizer,
        "attendees": [attendee(email) for email in emails],
        "location": "integrations:daily",
        "metadata": {"videoCallUrl": f"https://app.cal.example/video/{uid}"},
        "iCalUID": f"{uid}@Cal.com",
        **more,
    }


def meeting_body(
    trigger: str,
    uid: str,
    number: int,
    start: datetime,
    emails: list[str],
    booked_at: datetime,
    organizer: dict[str, Any] = BEN,
) -> bytes:
    """Returns a MEETING_STARTED or MEETING_ENDED body: a row of Cal.com's database, without an envelope."""
    fields = payload(uid, number, start, emails)
    fields["id"] = fields.pop("bookingId")
    fields["userPrimaryEmail"] = organizer["email"]
    del fields["organizer"]
    root = {"triggerEvent": trigger, **fields, "createdAt": format_time(booked_at), "status": "ACCEPTED"}
    return json.dumps(root, separators=(",", ":")).encode()
