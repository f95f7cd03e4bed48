"""Values and queries of Cal.com's API; all times are aware, in UTC."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct


class CalcomUser(Struct, frozen=True, kw_only=True):
    """The key's owner. `time_zone` is an IANA name."""

    id: int
    username: str | None = None
    email: str | None = None
    name: str | None = None
    time_zone: str | None = None
    organization_id: int | None = None


class CalcomEventType(Struct, frozen=True, kw_only=True):
    """An event type. `duration` is in minutes; `durations` are those that a booker may choose from."""

    id: int
    slug: str
    title: str | None = None
    description: str | None = None
    duration: int | None = None
    durations: tuple[int, ...] = ()
    hidden: bool = False
    booking_url: str | None = None


class FreeSlot(Struct, frozen=True, kw_only=True):
    """A free slot. `end` is None where an old instance reports only starts."""

    start: datetime
    end: datetime | None = None


class ApiHost(Struct, frozen=True, kw_only=True):
    """A host of a booking; the first is the organizer."""

    id: int | None = None
    name: str | None = None
    email: str | None = None
    display_email: str | None = None
    username: str | None = None
    time_zone: str | None = None


class ApiAttendee(Struct, frozen=True, kw_only=True):
    """An attendee of a booking; only seated bookings have `seat_uid` and answers per attendee."""

    name: str | None = None
    email: str | None = None
    display_email: str | None = None
    time_zone: str | None = None
    language: str | None = None
    absent: bool | None = None
    phone_number: str | None = None
    seat_uid: str | None = None
    booking_fields_responses: Mapping[str, Any] = {}


class ApiEventType(Struct, frozen=True, kw_only=True):
    """The event type that a booking names."""

    id: int | None = None
    slug: str | None = None


class ApiBooking(Struct, frozen=True, kw_only=True):
    """A booking as the API reports it; `duration` is in minutes, `status` is in lower case.

    A rescheduled booking is "cancelled" under its old uid, with `rescheduled_to_uid`: no person cancelled it.
    `updated_at` is None until the first change. `uid` and `created_at` are None only where API v1 did not report them.
    """

    id: int | None = None
    uid: str | None
    status: str
    start: datetime
    end: datetime | None = None
    duration: int | None = None
    title: str | None = None
    description: str | None = None
    hosts: tuple[ApiHost, ...] = ()
    attendees: tuple[ApiAttendee, ...] = ()
    guests: tuple[str, ...] = ()
    event_type: ApiEventType = ApiEventType()
    location: str | None = None
    meeting_url: str | None = None
    absent_host: bool | None = None
    cancellation_reason: str | None = None
    cancelled_by_email: str | None = None
    rescheduling_reason: str | None = None
    rescheduled_by_email: str | None = None
    rescheduled_from_uid: str | None = None
    rescheduled_to_uid: str | None = None
    recurring_booking_uid: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    ics_uid: str | None = None
    metadata: Mapping[str, Any] = {}
    booking_fields_responses: Mapping[str, Any] = {}


class BookingsQuery(Struct, frozen=True, kw_only=True):
    """A query for bookings; time bounds are aware.

    `cursor` is a page's `next_cursor`, to be used with the same bounds; `limit` is 1 to 100. `status` is one of
    upcoming, recurring, past, cancelled, unconfirmed. Bounds of `updated_at` never find a booking without that time.
    """

    after_updated_at: datetime | None = None
    before_updated_at: datetime | None = None
    after_created_at: datetime | None = None
    before_created_at: datetime | None = None
    after_start: datetime | None = None
    before_end: datetime | None = None
    status: str | None = None
    cursor: str | None = None
    limit: int = 100


class BookingsPage(Struct, frozen=True, kw_only=True):
    """One page of bookings, and the cursor of the next; `unreadable` counts the bookings left out."""

    items: tuple[ApiBooking, ...]
    next_cursor: str | None = None
    unreadable: int = 0
