"""Finds the recipient of mails about a booking, and bookings to show a mail with."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.database.tables import booking_attendees, bookings, people, workspaces
from showup.reads.current_ids import current_booking_id


class Booker(Struct, frozen=True, kw_only=True):
    """The first attendee who is a person with an email. `workspace` is a slug.

    `old_start_time` is the start before the latest reschedule; None if there was none.
    """

    booking_id: UUID
    workspace: str
    email: str
    old_start_time: datetime | None


class RecentBooking(Struct, frozen=True, kw_only=True):
    """A booking whose booker has an address: who, and when."""

    id: UUID
    name: str
    start_time: datetime
    simulated: bool


async def list_recent(tx: AsyncConnection, workspace_id: UUID, *, limit: int) -> list[RecentBooking]:
    """Returns the workspace's latest bookings with a booker to mail to: real ones, else simulated ones."""
    return await _list_recent(tx, workspace_id, limit, simulated=False) or await _list_recent(
        tx, workspace_id, limit, simulated=True
    )


async def _list_recent(tx: AsyncConnection, workspace_id: UUID, limit: int, *, simulated: bool) -> list[RecentBooking]:
    query = (
        select(
            bookings.c.id,
            func.coalesce(people.c.name, people.c.email).label("name"),
            bookings.c.start_time,
            bookings.c.simulated,
        )
        .join_from(bookings, people, people.c.id == bookings.c.person_id)
        .where(
            bookings.c.workspace_id == workspace_id,
            people.c.email.is_not(None),
            bookings.c.simulated if simulated else ~bookings.c.simulated,
        )
        .order_by(bookings.c.start_time.desc(), bookings.c.id.desc())
        .limit(limit)
    )
    return [RecentBooking(**row) for row in (await tx.execute(query)).mappings()]


async def find_booker(tx: AsyncConnection, booking_id: UUID) -> Booker | None:
    """Returns the booker, also by a merged booking's id; None without a booking or without such an attendee."""
    seat = booking_attendees.c
    query = (
        select(bookings.c.id, workspaces.c.slug, seat.email, bookings.c.uids[-2]["start_time"].astext)
        .join_from(bookings, workspaces, workspaces.c.id == bookings.c.workspace_id)
        .join(booking_attendees, seat.booking_id == bookings.c.id)
        .where(bookings.c.id == current_booking_id(booking_id), seat.email.is_not(None), seat.person_id.is_not(None))
        .order_by(seat.cancelled_at.nulls_first(), seat.position)
        .limit(1)
    )
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        return None
    previous_start = None if row[3] is None else datetime.fromisoformat(row[3])
    return Booker(booking_id=row[0], workspace=row[1], email=row[2], old_start_time=previous_start)
