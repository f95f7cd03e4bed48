"""One booking with everything that belongs to it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permit import Permit
from showup.database.tables import booking_attendees, bookings, deals
from showup.reads.attendance import attendance
from showup.reads.bookings import select_bookings, with_attendance
from showup.reads.deliveries import deliveries_of
from showup.reads.leading import standing_booking
from showup.reads.rows import Found, shaped, within
from showup.reads.timeline import ids_of, timeline


async def find_booking(tx: AsyncConnection, permit: Permit, booking_id: UUID, now: datetime) -> Found | None:
    """The booking, as it is at `now`, also by the id of one that was merged into it; None when the permit sees none."""
    query = select_bookings(permit).add_columns(
        *(bookings.c[name] for name in ("uids", "outcome", "outcome_notes", "next_step")),
        *within("deal", deals, "id", "status", "stage", "owner_email", "amount", "currency"),
    )
    query = query.outerjoin(deals, deals.c.id == bookings.c.deal_id)
    query = query.where(bookings.c.id == standing_booking(booking_id))
    row = (await tx.execute(query)).mappings().one_or_none()
    return None if row is None else await _with_its_own(tx, permit, with_attendance(shaped(row)), now)


async def _with_its_own(tx: AsyncConnection, permit: Permit, booking: Found, now: datetime) -> Found:
    ids = await ids_of(tx, booking["id"])
    return {
        **booking,
        "attendees": await _attendees(tx, booking),
        # Nobody matches attendees to leads yet.
        "matches": [],
        "deliveries": await deliveries_of(tx, permit, ids, now),
        "timeline": await timeline(tx, permit, booking_id=ids, with_uids=True),
    }


async def _attendees(tx: AsyncConnection, booking: Found) -> list[Found]:
    seat = booking_attendees.c
    query = select(
        seat.person_id, seat.email, seat.name, seat.time_zone, seat.phone, seat.attended, seat.cancelled_at
    ).add_columns(seat.attendance_evidence)
    query = query.where(seat.booking_id == booking["id"]).order_by(seat.position)
    return [_attendee(dict(row), booking) for row in (await tx.execute(query)).mappings()]


def _attendee(row: dict[str, Any], booking: Found) -> Found:
    said = attendance(attended=row["attended"], host_absent=booking["host_absent"], evidence=row["attendance_evidence"])
    return {**row, "attendance": said}
