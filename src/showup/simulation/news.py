"""What can be said about a simulated booking: plain values, all times aware and in UTC."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Organizer:
    """Whose calendar is booked."""

    id: int
    name: str
    email: str
    username: str
    time_zone: str
    locale: str = "en"


@dataclass(frozen=True, slots=True)
class Attendee:
    """One place at the table. `email` is as it was typed: its case says nothing."""

    name: str
    email: str
    time_zone: str
    locale: str = "en"
    phone: str | None = None
    seat: str | None = None


@dataclass(frozen=True, slots=True)
class EventType:
    """`lasts_for` in minutes, `price` in minor units, `seats` None where a booking has one booker."""

    id: int
    slug: str
    title: str
    lasts_for: int
    location: str = "integrations:daily"
    scheduling: str | None = None
    confirmation: bool = False
    seats: int | None = None
    price: int = 0


@dataclass(frozen=True, slots=True)
class Previous:
    """What a rescheduled booking was before: Cal.com gives the new time a new uid and number."""

    uid: str
    number: int
    start_at: datetime
    end_at: datetime


@dataclass(frozen=True, slots=True)
class Booking:
    """A booking as Cal.com sees it at one moment. `account` counts the Cal.com accounts from 0."""

    account: int
    uid: str
    number: int
    ical_uid: str
    sequence: int
    title: str
    event_type: EventType
    organizer: Organizer
    attendees: tuple[Attendee, ...]
    start_at: datetime
    end_at: datetime
    created_at: datetime
    status: str = "ACCEPTED"
    meeting_url: str = ""
    company_answer: str | None = None
    notes: str = ""
    previous: Previous | None = None
    reschedule_reason: str | None = None
    repeats: int | None = None


@dataclass(frozen=True, slots=True)
class News:
    """One thing that happened at `at` (its source time), before it is a webhook.

    `marks` says of attendees (by address) whether they were absent; `copy` counts retellings of the same
    news, which Cal.com sends with other bytes.
    """

    trigger: str
    at: datetime
    account: int
    booking: Booking | None = None
    marks: tuple[tuple[str, bool], ...] = ()
    host_absent: bool = False
    request_reschedule: bool = False
    by: str | None = None
    reason: str | None = None
    seat: str | None = None
    previous_location: str | None = None
    replaced: Organizer | None = None
    copy: int = 0
