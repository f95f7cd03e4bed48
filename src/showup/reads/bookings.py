"""Lists of bookings."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, func, select, union
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permit import Permit
from showup.database.tables import booking_attendees, booking_refs, bookings, companies, deliveries, people
from showup.reads.attendance import attendance
from showup.reads.keyset import Ask, Page, Sorts, read_page
from showup.reads.rows import Found, seen_by, shaped, when, within
from showup.reads.words import begins, words_of

SORTS: Sorts = {name: bookings.c[name] for name in ("start_time", "created_at", "booked_at")}

_FIELDS = (
    *("id", "calcom_uid", "calcom_booking_id", "title", "start_time", "end_time", "booked_at", "status"),
    *("attended", "attendance_evidence", "host_absent", "show_time", "deal_id", "organizer_email"),
    *("reschedule_count", "cancellation_reason", "meeting_url", "notes", "created_at"),
)


class BookingFilter(Struct, frozen=True, kw_only=True):
    """What a booking must fulfil; None asks nothing. `attended`: "true", "false", "null" for unreported.

    `starts_before` is exclusive, `email` is any attendee's, `uid` any that the booking ever had.
    """

    uid: str | None = None
    status: str | None = None
    attended: str | None = None
    email: str | None = None
    company_id: UUID | None = None
    organizer: str | None = None
    starts_from: datetime | None = None
    starts_before: datetime | None = None
    q: str | None = None


async def list_bookings(tx: AsyncConnection, permit: Permit, wanted: BookingFilter, ask: Ask) -> Page:
    """One page of the permit's bookings."""
    page = await read_page(tx, select_bookings(permit).where(*_conditions(wanted)), SORTS, ask)
    return Page(items=[with_attendance(item) for item in page.items], ended_at=page.ended_at)


async def bookings_of(
    tx: AsyncConnection, permit: Permit, condition: ColumnElement[bool], *, at_most: int = 200
) -> list[Found]:
    """The bookings that fulfil a condition, the latest meeting first: what a deal or a person had."""
    query = select_bookings(permit).where(condition).order_by(bookings.c.start_time.desc()).limit(at_most)
    return [with_attendance(shaped(row)) for row in (await tx.execute(query)).mappings()]


# Mails that tell nothing new of a booking.
_NO_NEWS = ("remind", "follow_up")


def attended_by(person_ids: Collection[UUID]) -> ColumnElement[bool]:
    """Bookings in which one of these people had a seat."""
    seats = select(booking_attendees.c.booking_id).where(booking_attendees.c.person_id.in_(person_ids))
    return bookings.c.id.in_(seats)


def select_bookings(permit: Permit) -> Select[Any]:
    """Every booking the permit may see, with its person and company."""
    told = select(func.min(deliveries.c.delivered_at)).where(
        deliveries.c.booking_id == bookings.c.id,
        deliveries.c.kind.not_in(_NO_NEWS),
        # What is only kept in the outbox has reached nobody.
        deliveries.c.provider.is_distinct_from("outbox"),
    )
    return (
        select(
            *(bookings.c[name] for name in _FIELDS),
            told.scalar_subquery().label("notification_sent_at"),
            *within("person", people, "id", "email", "name"),
            *within("company", companies, "id", "name", "domain"),
        )
        .outerjoin_from(bookings, people, bookings.c.person_id == people.c.id)
        .outerjoin(companies, bookings.c.company_id == companies.c.id)
        .where(seen_by(permit, bookings))
    )


def with_attendance(booking: Found) -> Found:
    """The same booking with `attendance`, from the columns that say it."""
    said = attendance(
        attended=booking["attended"],
        host_absent=booking["host_absent"],
        evidence=booking["attendance_evidence"],
    )
    return {**booking, "attendance": said}


def _conditions(wanted: BookingFilter) -> list[ColumnElement[bool]]:
    b = bookings.c
    return [
        when(wanted.status, lambda status: b.status == status),
        when(wanted.company_id, lambda company_id: b.company_id == company_id),
        when(wanted.starts_from, lambda moment: b.start_time >= moment),
        when(wanted.starts_before, lambda moment: b.start_time < moment),
        when(wanted.attended, lambda said: b.attended.is_(_ATTENDED[said])),
        when(wanted.organizer, lambda email: b.organizer_email == email.lower()),
        when(wanted.email, _with_attendee),
        when(wanted.uid, _ever_known_as),
        *(b.id.in_(_mentioning(word)) for word in words_of(wanted.q)),
    ]


_ATTENDED = {"true": True, "false": False, "null": None}


def _with_attendee(email: str) -> ColumnElement[bool]:
    seats = select(booking_attendees.c.booking_id).where(booking_attendees.c.email == email.lower())
    return bookings.c.id.in_(seats)


def _ever_known_as(uid: str) -> ColumnElement[bool]:
    return bookings.c.id.in_(select(booking_refs.c.booking_id).where(booking_refs.c.ref == f"uid:{uid}"))


def _mentioning(word: str) -> Any:
    # A union and not an OR over joined tables: each branch then finds its few rows by an index of its own.
    guests = select(booking_attendees.c.booking_id).join(people, people.c.id == booking_attendees.c.person_id)
    theirs = select(bookings.c.id).join(companies, companies.c.id == bookings.c.company_id)
    return union(
        select(bookings.c.id).where(begins(bookings.c.search, word)),
        guests.where(begins(people.c.search, word)),
        theirs.where(begins(companies.c.search, word)),
    )
