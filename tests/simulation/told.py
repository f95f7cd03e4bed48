"""Mini stories in plain words: one organizer, a few attendees, and days counted from the day of booking."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from showup.simulation.news import Attendee, Booking, EventType, News, Organizer, Previous

DAY_0 = datetime(2026, 9, 1, 9, 0, tzinfo=UTC)
HANA = Organizer(7, "Hana Host", "hana@sellers.example", "hana", "Europe/Berlin")
IVO = Organizer(8, "Ivo Inn", "ivo@sellers.example", "ivo", "Europe/Berlin")
ANA = Attendee("Ana Uno", "Ana@Acme.example", "Europe/Madrid")
BEN = Attendee("Ben Dos", "ben@mail.acme.example", "Europe/Madrid")
CLEO = Attendee("Cleo Tres", "cleo@bolt.example", "Europe/Madrid")
GIL = Attendee("Gil Mail", "gil@gmail.com", "Europe/Madrid")
PAT = Attendee("Pat Phone", "4915112345678@sms.cal.com", "Europe/Berlin", phone="+4915112345678")

_DEMO = EventType(1, "demo", "Demo", 30)
_GROUP = EventType(2, "group", "Group", 30, seats=10)


def day(number: float) -> datetime:
    return DAY_0 + timedelta(days=number)


def booking(uid: str = "u1", *attendees: Attendee, meets: float = 5, group: bool = False, **more: Any) -> Booking:
    made = Booking(
        account=0,
        uid=uid,
        number=sum(map(ord, uid)),
        ical_uid=f"{uid}@Cal.com",
        sequence=0,
        title="Demo",
        event_type=_GROUP if group else _DEMO,
        organizer=HANA,
        attendees=attendees or (ANA,),
        start_at=day(meets),
        end_at=day(meets) + timedelta(minutes=30),
        created_at=DAY_0,
        meeting_url=f"https://meet.example/{uid}",
    )
    return replace(made, **more)


def created(what: Booking, on: float = 0) -> News:
    return News("BOOKING_CREATED", day(on), 0, what)


def requested(what: Booking, on: float = 0) -> News:
    return News("BOOKING_REQUESTED", day(on), 0, replace(what, status="PENDING"))


def rejected(what: Booking, on: float = 1) -> News:
    return News("BOOKING_REJECTED", day(on), 0, replace(what, status="REJECTED"))


def cancelled(what: Booking, on: float = 1, *, another_time: bool = False) -> News:
    return News("BOOKING_CANCELLED", day(on), 0, replace(what, status="CANCELLED"), request_reschedule=another_time)


def moved(what: Booking, uid: str, meets: float) -> Booking:
    previous = Previous(what.uid, what.number, what.start_at, what.end_at)
    at = day(meets)
    return replace(what, uid=uid, start_at=at, end_at=at + timedelta(minutes=30), previous=previous)


def rescheduled(what: Booking, on: float = 2) -> News:
    return News("BOOKING_RESCHEDULED", day(on), 0, what)


def ended(what: Booking, *absent: Attendee, host_absent: bool = False) -> News:
    marks = tuple((one.email, one in absent) for one in what.attendees)
    return News("MEETING_ENDED", what.end_at, 0, what, marks=marks, host_absent=host_absent)


def marked(what: Booking, who: Attendee, on: float, *, absent: bool) -> News:
    return News("BOOKING_NO_SHOW_UPDATED", day(on), 0, what, marks=((who.email, absent),))
