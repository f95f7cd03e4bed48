"""The load of the benchmarks: webhooks of about 3.5 KB, all distinct, and the same for the same numbers."""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from showup.simulation.models import (
    PreviousBooking,
    SimulatedAttendee,
    SimulatedBooking,
    SimulatedEventType,
    SimulatedOrganizer,
    SimulatedWebhook,
)
from showup.simulation.render import render
from showup.sources.calcom.signature import sign

SECRET = "the secret of the benchmarks"
# Three bookings for each company, because companies have several people.
_BOOKINGS_A_COMPANY = 3
_HALF_HOUR = timedelta(minutes=30)
_INTRO = SimulatedEventType(4_846_355, "intro-call", "Intro call", 30, scheduling="ROUND_ROBIN")
_HOSTS = tuple(
    SimulatedOrganizer(
        2_182_000 + number, f"Host {number}", f"host{number}@outbound.example", f"host{number}", "Europe/Berlin"
    )
    for number in range(8)
)
_WORDS = (
    "pipeline", "outreach", "reply", "campaign", "mailbox", "domain", "warmup", "sequence", "lead", "quarter", "budget",
    "renewal", "demo", "onboarding", "contract", "seat", "trial", "vendor", "growth", "churn", "forecast", "market",
)  # fmt: skip
# The notes stand three times in each body.
_WORDS_A_NOTE = 24


class Sent(NamedTuple):
    """A body and when it was sent."""

    at: datetime
    body: bytes


def created(number: int, at: datetime, company: str | None = None) -> bytes:
    """Returns the BOOKING_CREATED of booking `number`, made at `at` for two days later."""
    return _sent("BOOKING_CREATED", at, _booking(number, at, company)).body


def history(number: int, at: datetime, company: str | None = None) -> list[Sent]:
    """Returns four bodies of one booking: created, moved by a day, location updated, ended.

    `company` is the domain of the booker; None: every three bookings share one.
    """
    first = _booking(number, at, company)
    moved = _moved(first)
    relocated = replace(moved, meeting_url=f"https://meet.example/{number}")
    return [
        _sent("BOOKING_CREATED", at, first),
        _sent("BOOKING_RESCHEDULED", moved.created_at, moved, by=first.attendees[0].email),
        _sent("BOOKING_LOCATION_UPDATED", at + timedelta(hours=9), relocated, previous_location=moved.meeting_url),
        _sent("MEETING_ENDED", relocated.end_at, relocated),
    ]


def cancellation(number: int, booked_at: datetime, company: str) -> Sent:
    """Returns the BOOKING_CANCELLED of a booking of `history`, an hour after it was rescheduled."""
    cancelled = replace(_moved(_booking(number, booked_at, company)), status="CANCELLED")
    return _sent("BOOKING_CANCELLED", booked_at + timedelta(hours=6), cancelled, reason="No time")


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


def _sent(
    trigger: str,
    at: datetime,
    booking: SimulatedBooking,
    *,
    by: str | None = None,
    reason: str | None = None,
    previous_location: str | None = None,
) -> Sent:
    webhook = SimulatedWebhook(trigger, at, 0, booking, by=by, reason=reason, previous_location=previous_location)
    return Sent(at, render(webhook))


def _booking(number: int, at: datetime, company: str | None) -> SimulatedBooking:
    """Returns the booking at the time of its creation. Showup treats it as real: it sends messages about it."""
    uid, start_at = _uid(number, "a"), at + timedelta(days=2)
    company_number = number // _BOOKINGS_A_COMPANY
    name, host = f"Lead Number {number}", _HOSTS[number % len(_HOSTS)]
    email = f"lead{number}@{company or f'company{company_number}.example'}"
    return SimulatedBooking(
        account=0,
        uid=uid,
        number=number * 2,
        ical_uid=f"{uid}@Cal.com",
        sequence=0,
        title=f"{_INTRO.title} between {host.name} and {name}",
        event_type=_INTRO,
        organizer=host,
        attendees=(SimulatedAttendee(name, email, "America/Los_Angeles"),),
        start_at=start_at,
        end_at=start_at + _HALF_HOUR,
        created_at=at,
        meeting_url=f"https://meet.example/{uid}",
        company_answer=f"Company {company_number}",
        notes=" ".join(random.Random(number).choices(_WORDS, k=_WORDS_A_NOTE)),
    )


def _moved(first: SimulatedBooking) -> SimulatedBooking:
    """Returns the booking after it was moved by a day, five hours after its creation."""
    number, start_at = first.number // 2, first.start_at + timedelta(days=1)
    uid = _uid(number, "b")
    return replace(
        first,
        uid=uid,
        number=first.number + 1,
        sequence=1,
        start_at=start_at,
        end_at=start_at + _HALF_HOUR,
        created_at=first.created_at + timedelta(hours=5),
        meeting_url=f"https://meet.example/{uid}",
        previous=PreviousBooking(first.uid, first.number, first.start_at, first.end_at),
    )


def _uid(number: int, variant: str) -> str:
    return hashlib.sha256(f"{number} {variant}".encode()).hexdigest()[:22]
