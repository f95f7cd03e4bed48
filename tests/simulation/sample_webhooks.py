"""Short histories: one organizer, a few attendees, and days counted from the day of booking."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from showup.simulation.models import (
    PreviousBooking,
    SimulatedAttendee,
    SimulatedBooking,
    SimulatedEventType,
    SimulatedOrganizer,
    SimulatedWebhook,
)

DAY_0 = datetime(2026, 9, 1, 9, 0, tzinfo=UTC)
HANA = SimulatedOrganizer(7, "Hana Host", "hana@sellers.example", "hana", "Europe/Berlin")
IVO = SimulatedOrganizer(8, "Ivo Inn", "ivo@sellers.example", "ivo", "Europe/Berlin")
ANA = SimulatedAttendee("Ana Uno", "Ana@Acme.example", "Europe/Madrid")
BEN = SimulatedAttendee("Ben Dos", "ben@mail.acme.example", "Europe/Madrid")
CLEO = SimulatedAttendee("Cleo Tres", "cleo@bolt.example", "Europe/Madrid")
GIL = SimulatedAttendee("Gil Mail", "gil@gmail.com", "Europe/Madrid")
PAT = SimulatedAttendee("Pat Phone", "4915112345678@sms.cal.com", "Europe/Berlin", phone="+4915112345678")

_DEMO = SimulatedEventType(1, "demo", "Demo", 30)
_GROUP = SimulatedEventType(2, "group", "Group", 30, seats=10)


def day(number: float) -> datetime:
    return DAY_0 + timedelta(days=number)


def booking(
    uid: str = "u1", *attendees: SimulatedAttendee, starts_on: float = 5, group: bool = False, **overrides: Any
) -> SimulatedBooking:
    built = SimulatedBooking(
        account=0,
        uid=uid,
        number=sum(map(ord, uid)),
        ical_uid=f"{uid}@Cal.com",
        sequence=0,
        title="Demo",
        event_type=_GROUP if group else _DEMO,
        organizer=HANA,
        attendees=attendees or (ANA,),
        start_at=day(starts_on),
        end_at=day(starts_on) + timedelta(minutes=30),
        created_at=DAY_0,
        meeting_url=f"https://meet.example/{uid}",
    )
    return replace(built, **overrides)


def created(booking: SimulatedBooking, on_day: float = 0) -> SimulatedWebhook:
    return SimulatedWebhook("BOOKING_CREATED", day(on_day), 0, booking)


def requested(booking: SimulatedBooking, on_day: float = 0) -> SimulatedWebhook:
    return SimulatedWebhook("BOOKING_REQUESTED", day(on_day), 0, replace(booking, status="PENDING"))


def rejected(booking: SimulatedBooking, on_day: float = 1) -> SimulatedWebhook:
    return SimulatedWebhook("BOOKING_REJECTED", day(on_day), 0, replace(booking, status="REJECTED"))


def cancelled(booking: SimulatedBooking, on_day: float = 1, *, another_time: bool = False) -> SimulatedWebhook:
    return SimulatedWebhook(
        "BOOKING_CANCELLED", day(on_day), 0, replace(booking, status="CANCELLED"), request_reschedule=another_time
    )


def moved(booking: SimulatedBooking, uid: str, starts_on: float) -> SimulatedBooking:
    previous = PreviousBooking(booking.uid, booking.number, booking.start_at, booking.end_at)
    at = day(starts_on)
    return replace(booking, uid=uid, start_at=at, end_at=at + timedelta(minutes=30), previous=previous)


def rescheduled(booking: SimulatedBooking, on_day: float = 2) -> SimulatedWebhook:
    return SimulatedWebhook("BOOKING_RESCHEDULED", day(on_day), 0, booking)


def ended(booking: SimulatedBooking, *absent: SimulatedAttendee, host_absent: bool = False) -> SimulatedWebhook:
    marks = tuple((attendee.email, attendee in absent) for attendee in booking.attendees)
    return SimulatedWebhook("MEETING_ENDED", booking.end_at, 0, booking, marks=marks, host_absent=host_absent)


def marked(booking: SimulatedBooking, attendee: SimulatedAttendee, on_day: float, *, absent: bool) -> SimulatedWebhook:
    return SimulatedWebhook("BOOKING_NO_SHOW_UPDATED", day(on_day), 0, booking, marks=((attendee.email, absent),))
