"""Models of a simulated booking: plain values, all times aware and in UTC."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SimulatedOrganizer:
    """The owner of the booked calendar."""

    id: int
    name: str
    email: str
    username: str
    time_zone: str
    locale: str = "en"


@dataclass(frozen=True, slots=True)
class SimulatedAttendee:
    """One attendee. `email` is as it was typed: its case has no meaning."""

    name: str
    email: str
    time_zone: str
    locale: str = "en"
    phone: str | None = None
    seat: str | None = None


@dataclass(frozen=True, slots=True)
class SimulatedEventType:
    """`price` is in minor units; `seats` is None where a booking has one booker."""

    id: int
    slug: str
    title: str
    duration_minutes: int
    location: str = "integrations:daily"
    scheduling: str | None = None
    confirmation: bool = False
    seats: int | None = None
    price: int = 0


@dataclass(frozen=True, slots=True)
class PreviousBooking:
    """A booking before its reschedule: Cal.com gives the new time a new uid and number."""

    uid: str
    number: int
    start_at: datetime
    end_at: datetime


@dataclass(frozen=True, slots=True)
class SimulatedBooking:
    """A booking as Cal.com sees it at one moment. `account` counts the Cal.com accounts from 0."""

    account: int
    uid: str
    number: int
    ical_uid: str
    sequence: int
    title: str
    event_type: SimulatedEventType
    organizer: SimulatedOrganizer
    attendees: tuple[SimulatedAttendee, ...]
    start_at: datetime
    end_at: datetime
    created_at: datetime
    status: str = "ACCEPTED"
    meeting_url: str = ""
    company_answer: str | None = None
    notes: str = ""
    previous: PreviousBooking | None = None
    reschedule_reason: str | None = None
    series_length: int | None = None


@dataclass(frozen=True, slots=True)
class SimulatedWebhook:
    """One event at `at` (its source time), before it is rendered as a webhook.

    `marks` says of attendees (by address) whether they were absent; `resend_count` counts repeats of the event, which
    Cal.com sends with other bytes.
    """

    trigger: str
    at: datetime
    account: int
    booking: SimulatedBooking | None = None
    marks: tuple[tuple[str, bool], ...] = ()
    host_absent: bool = False
    request_reschedule: bool = False
    by: str | None = None
    reason: str | None = None
    seat: str | None = None
    previous_location: str | None = None
    replaced: SimulatedOrganizer | None = None
    resend_count: int = 0
