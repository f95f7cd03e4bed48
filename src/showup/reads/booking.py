"""Reads one booking with everything that belongs to it."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import UUID as UUID_TYPE
from sqlalchemy import Label, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.bookings.uids import redact
from showup.database.tables import booking_attendees, bookings, deal_events, deals, people
from showup.reads.attendance import attendance_of
from showup.reads.bookings import booking_item, select_bookings
from showup.reads.current_ids import current_booking_id
from showup.reads.deliveries import deliveries_of
from showup.reads.matches import matches_of
from showup.reads.rows import Item, nest_columns, nested_columns
from showup.reads.timeline import ids_of_booking, timeline


async def find_booking(tx: AsyncConnection, permission: Permission, booking_id: UUID, now: datetime) -> Item | None:
    """Returns the booking as of `now`, also by the id of one that was merged into it; None if it is not visible."""
    query = select_bookings(permission).add_columns(
        *(bookings.c[name] for name in ("outcome", "outcome_notes", "next_step")),
        *nested_columns("deal", deals, "id", "status", "stage", "owner_email", "amount", "currency"),
    )
    query = query.outerjoin(deals, deals.c.id == bookings.c.deal_id)
    query = query.where(bookings.c.id == current_booking_id(booking_id))
    row = (await tx.execute(query)).mappings().one_or_none()
    return (
        None if row is None else await _with_related(tx, permission, booking_item(nest_columns(row), permission), now)
    )


async def _with_related(tx: AsyncConnection, permission: Permission, booking: Item, now: datetime) -> Item:
    ids = await ids_of_booking(tx, booking["id"])
    known_uids = booking.pop("known_uids", ())
    item = {
        **booking,
        "attendees": await _attendees(tx, booking),
        "matches": await matches_of(tx, permission, booking["id"]),
        "deliveries": await deliveries_of(tx, permission, ids, now),
        "timeline": await timeline(tx, permission, booking_id=ids, with_uids=True),
    }
    return cast("Item", redact(item, known_uids))


async def _attendees(tx: AsyncConnection, booking: Item) -> list[Item]:
    seat = booking_attendees.c
    query = select(
        seat.person_id, seat.email, seat.name, seat.time_zone, seat.phone, seat.attended, seat.cancelled_at
    ).add_columns(seat.attendance_evidence, seat.confirmed_at, _deal_of_seat(booking))
    query = query.where(seat.booking_id == booking["id"]).order_by(seat.position)
    return [_attendee(dict(row), booking) for row in (await tx.execute(query)).mappings()]


def _deal_of_seat(booking: Item) -> Label[UUID]:
    """Selects the deal of the attendee's company: with seats, each company has its own."""
    seat, event = booking_attendees.c, deal_events.c
    own = (
        select(event.deal_id)
        .join(people, people.c.company_id == event.company_id)
        .where(event.booking_id == booking["id"], people.c.id == seat.person_id)
        .limit(1)
        .scalar_subquery()
    )
    return func.coalesce(own, literal(booking["deal_id"], UUID_TYPE())).label("deal_id")


def _attendee(row: dict[str, Any], booking: Item) -> Item:
    attendance_fields = attendance_of(
        attended=row["attended"], host_absent=booking["host_absent"], evidence=row["attendance_evidence"]
    )
    return {**row, "attendance": attendance_fields}
