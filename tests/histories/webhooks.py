"""Short ways to the webhooks of the simulation, for tests: a meeting of half an hour with one of two hosts."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from showup.simulation.models import (
    SimulatedAttendee,
    SimulatedBooking,
    SimulatedEventType,
    SimulatedOrganizer,
    SimulatedWebhook,
)
from showup.simulation.render import render, render_envelope
from showup.simulation.render_booking import booking_fields

MONDAY = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)
BEN = SimulatedOrganizer(1, "Ben Host", "ben@outbound.example", "ben", "UTC")
ANN = SimulatedOrganizer(2, "Ann Host", "ann@outbound.example", "ann", "UTC")
INTRO = SimulatedEventType(1, "intro", "Intro call", 30)


def attendee(
    email: str, name: str | None = None, *, zone: str = "Europe/Berlin", phone: str | None = None
) -> SimulatedAttendee:
    return SimulatedAttendee(email.partition("@")[0].title() if name is None else name, email, zone, phone=phone)


def booking(
    uid: str, number: int, start: datetime, attendees: Sequence[str | SimulatedAttendee], **changes: Any
) -> SimulatedBooking:
    """Returns a booking; `changes` may replace any other field."""
    fields = {
        "account": 0,
        "ical_uid": f"{uid}@Cal.com",
        "sequence": 0,
        "title": f"Intro call {uid}",
        "event_type": INTRO,
        "organizer": BEN,
        "created_at": MONDAY,
        "meeting_url": f"https://app.cal.example/video/{uid}",
    }
    return SimulatedBooking(
        uid=uid,
        number=number,
        attendees=tuple(attendee(one) if isinstance(one, str) else one for one in attendees),
        start_at=start,
        end_at=start + timedelta(minutes=30),
        **(fields | changes),
    )


def payload(
    uid: str,
    number: int,
    start: datetime,
    attendees: Sequence[str | SimulatedAttendee],
    *,
    organizer: SimulatedOrganizer = BEN,
    company: str | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """Returns what any trigger says of a booking; `fields` may replace a field, or add one, in Cal.com's names.

    `company` is what the booker answered when the form asked for it.
    """
    about = booking(uid, number, start, attendees, organizer=organizer, company_answer=company)
    return booking_fields(about) | fields


def body(trigger: str, at: datetime, payload: dict[str, Any]) -> bytes:
    return render_envelope(trigger, at, payload)


def no_show_body(uid: str, at: datetime, email: str, *, absent: bool = True) -> bytes:
    """Returns the BOOKING_NO_SHOW_UPDATED of one attendee."""
    about = booking(uid, 1, at, [email])
    return render(SimulatedWebhook("BOOKING_NO_SHOW_UPDATED", at, 0, about, marks=((email, absent),)))


def ended_body(uid: str, number: int, start: datetime, emails: Sequence[str], booked_at: datetime) -> bytes:
    """Returns the MEETING_ENDED of a booking: a row of Cal.com's database, without an envelope."""
    ended = booking(uid, number, start, emails, created_at=booked_at)
    return render(SimulatedWebhook("MEETING_ENDED", ended.end_at, 0, ended))
