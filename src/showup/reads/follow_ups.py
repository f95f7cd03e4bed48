"""Counts follow-ups of missed meetings and their effect."""

from datetime import timedelta
from typing import Final

from sqlalchemy import and_, case, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.metadata import Instant
from showup.database.tables import booking_attendees, bookings, deliveries
from showup.reads.rows import Item, visible_to
from showup.reads.simulated import SimulatedFilter, if_simulated

RECOVERY_PERIOD: Final = timedelta(days=30)


async def count_follow_ups(tx: AsyncConnection, permission: Permission, simulated: SimulatedFilter = "false") -> Item:
    """Counts follow-ups `sent`, and people who found another time soon after one (`recovered`).

    They booked again, or rescheduled the meeting that they had missed. A person is identified by the missed meeting, so
    another of their addresses counts too.
    """
    d, missed_seat, new_seat = deliveries.c, booking_attendees.alias("missed"), booking_attendees.alias("again")
    is_wanted = if_simulated(simulated, d.simulated)
    is_sent = and_(d.kind == "no_show", d.state == "delivered", visible_to(permission, deliveries), is_wanted)
    moved_at = cast(bookings.c.uids[-1]["since"].astext, Instant)
    is_moved = and_(bookings.c.id == d.booking_id, bookings.c.version > d.booking_version)
    rebooked_at = case((is_moved, moved_at), else_=bookings.c.booked_at)
    is_in_time = rebooked_at.between(d.delivered_at, d.delivered_at + RECOVERY_PERIOD)
    recovered = (
        select(func.count(new_seat.c.person_id.distinct()))
        .select_from(deliveries)
        .join(missed_seat, and_(missed_seat.c.booking_id == d.booking_id, missed_seat.c.email == d.recipient))
        .join(new_seat, new_seat.c.person_id == missed_seat.c.person_id)
        .join(bookings, and_(bookings.c.id == new_seat.c.booking_id, is_in_time))
        .where(is_sent)
    )
    query = select(
        select(func.count()).select_from(deliveries).where(is_sent).scalar_subquery().label("sent"),
        recovered.scalar_subquery().label("recovered"),
    )
    return dict((await tx.execute(query)).mappings().one())
