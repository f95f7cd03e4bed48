"""Webhook bodies as Cal.com sends them: about 3.5 KB each, all distinct, and the same for the same numbers."""

import hashlib
import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from showup.sources.calcom.signature import sign

SECRET = "the secret of the benchmarks"
# Three bookings for each company, because companies have several people.
_BOOKINGS_A_COMPANY = 3
_WORDS = (
    "pipeline", "outreach", "reply", "campaign", "mailbox", "domain", "warmup", "sequence", "lead", "quarter", "budget",
    "renewal", "demo", "onboarding", "contract", "seat", "trial", "vendor", "growth", "churn", "forecast", "market",
)  # fmt: skip


class Sent(NamedTuple):
    """A body and when it was sent."""

    at: datetime
    body: bytes


def created(number: int, at: datetime, company: str | None = None) -> bytes:
    """Returns the BOOKING_CREATED of booking `number`, made at `at` for two days later."""
    return _envelope("BOOKING_CREATED", at, _payload(number, "a", at + timedelta(days=2), company))


def history(number: int, at: datetime, company: str | None = None) -> list[Sent]:
    """Returns four bodies of one booking: created, moved by a day, location updated, ended.

    `company` is the domain of the booker; None: every three bookings share one.
    """
    moved_to = at + timedelta(days=3)
    reschedule_fields = {
        "rescheduleUid": _uid(number, "a"),
        "rescheduleId": number * 2,
        "rescheduledBy": _email(number, company),
    }
    place = {
        "metadata": {"videoCallUrl": f"https://meet.example/{number}"},
        "location": f"https://meet.example/{number}",
    }
    moved, relocated, ended = at + timedelta(hours=5), at + timedelta(hours=9), moved_to + timedelta(minutes=30)
    return [
        Sent(at, created(number, at, company)),
        Sent(
            moved, _envelope("BOOKING_RESCHEDULED", moved, _payload(number, "b", moved_to, company) | reschedule_fields)
        ),
        Sent(
            relocated,
            _envelope("BOOKING_LOCATION_UPDATED", relocated, _payload(number, "b", moved_to, company) | place),
        ),
        Sent(ended, _row("MEETING_ENDED", at, _payload(number, "b", moved_to, company) | place)),
    ]


def cancellation(number: int, booked_at: datetime, company: str) -> Sent:
    """Returns the BOOKING_CANCELLED of a booking of `history`, an hour after it was rescheduled."""
    at, payload = booked_at + timedelta(hours=6), _payload(number, "b", booked_at + timedelta(days=3), company)
    return Sent(at, _envelope("BOOKING_CANCELLED", at, payload | {"cancellationReason": "No time"}))


def all_histories(count: int, since: datetime) -> list[Sent]:
    """Returns the bodies of `count` bookings, made a minute apart, in the order of sending."""
    histories = (history(number, since + timedelta(minutes=number)) for number in range(count))
    return sorted((body for history_bodies in histories for body in history_bodies), key=lambda body: body.at)


def write_signed(path: Path, numbers: range, at: datetime) -> Iterator[int]:
    """Writes one BOOKING_CREATED a line, after the 64 digits of its signature; yields after each."""
    with path.open("wb") as file:
        for number in numbers:
            body = created(number, at)
            file.write(sign(SECRET.encode(), body).encode() + body + b"\n")
            yield number


def _envelope(trigger: str, at: datetime, payload: dict[str, Any]) -> bytes:
    return _json({"triggerEvent": trigger, "createdAt": _stamp(at), "payload": payload})


def _row(trigger: str, booked_at: datetime, payload: dict[str, Any]) -> bytes:
    """Returns the body of a meeting's end: the booking's row in Cal.com's database, without an envelope."""
    identity = {"id": payload["bookingId"], "userPrimaryEmail": payload["organizer"]["email"]}
    rest = {name: value for name, value in payload.items() if name not in ("bookingId", "organizer")}
    return _json({"triggerEvent": trigger, **rest, **identity, "createdAt": _stamp(booked_at), "status": "ACCEPTED"})


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _payload(number: int, variant: str, start: datetime, company: str | None) -> dict[str, Any]:
    rng = random.Random(f"{number} {variant}")
    uid, name = _uid(number, variant), f"Lead Number {number}"
    return {
        "uid": uid,
        "bookingId": number * 2 + (variant == "b"),
        "iCalUID": f"{uid}@Cal.com",
        "title": f"Intro call between Outbound and {name}",
        "type": "intro-call",
        "eventTypeId": 4_846_355,
        "eventTitle": "Intro call",
        "description": _text(rng, 65),
        "additionalNotes": _text(rng, 50),
        "startTime": _stamp(start),
        "endTime": _stamp(start + timedelta(minutes=30)),
        "length": 30,
        "location": "integrations:google:meet",
        "metadata": {"videoCallUrl": f"https://meet.example/{uid}"},
        "organizer": _organizer(number % 8),
        "attendees": [_attendee(_email(number, company), name)],
        "responses": {
            "name": {"label": "your_name", "value": name, "isHidden": False},
            "email": {"label": "email_address", "value": _email(number, company), "isHidden": False},
            "company": {"label": "Company", "value": f"Company {number // _BOOKINGS_A_COMPANY}", "isHidden": False},
            "goals": {"label": "What should we talk about?", "value": _text(rng, 65), "isHidden": False},
        },
        "userFieldsResponses": {"goals": {"label": "What should we talk about?", "value": _text(rng, 45)}},
        "team": {"id": 170_425, "name": "Outbound", "members": [_organizer(one) for one in (1, 2)]},
        "schedulingType": "ROUND_ROBIN",
        "requiresConfirmation": False,
        "hideCalendarNotes": False,
        "seatsPerTimeSlot": None,
        "price": 0,
        "currency": "usd",
        "status": "ACCEPTED",
        "assignmentReason": [],
    }


def _organizer(number: int) -> dict[str, Any]:
    return {
        "id": 2_182_000 + number,
        "name": f"Host {number}",
        "email": f"host{number}@outbound.example",
        "username": f"host{number}",
        "timeZone": "Europe/Berlin",
        "language": {"locale": "en"},
        "timeFormat": "h:mma",
        "utcOffset": 120,
    }


def _attendee(email: str, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "email": email,
        "timeZone": "America/Los_Angeles",
        "language": {"locale": "en"},
        "phoneNumber": None,
        "bookingSeat": None,
        "utcOffset": -420,
    }


def _email(number: int, company: str | None) -> str:
    return f"lead{number}@{company or f'company{number // _BOOKINGS_A_COMPANY}.example'}"


def _uid(number: int, variant: str) -> str:
    return hashlib.sha256(f"{number} {variant}".encode()).hexdigest()[:22]


def _text(rng: random.Random, words: int) -> str:
    return " ".join(rng.choices(_WORDS, k=words))


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
