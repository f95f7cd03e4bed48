"""What follow-ups of missed meetings were good for."""

from datetime import timedelta
from typing import Final

from sqlalchemy import and_, case, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permit import Permit
from showup.database.metadata import Instant
from showup.database.tables import booking_attendees, bookings, deliveries
from showup.reads.rows import Found, seen_by

RECOVERED_WITHIN: Final = timedelta(days=30)


async def follow_ups(tx: AsyncConnection, permit: Permit) -> Found:
    """How many were `sent`, and how many people found another time soon after one (`recovered`): they booked anew, or
    moved the meeting that they had missed.

    A person is known by the meeting that they missed, so that another of their addresses counts too.
    """
    d, missed, again = deliveries.c, booking_attendees.alias("missed"), booking_attendees.alias("again")
    was_sent = and_(d.kind == "follow_up", d.state == "delivered", seen_by(permit, deliveries))
    moved_at = cast(bookings.c.uids[-1]["since"].astext, Instant)
    moved = and_(bookings.c.id == d.booking_id, bookings.c.version > d.booking_version)
    found_at = case((moved, moved_at), else_=bookings.c.booked_at)
    in_time = found_at.between(d.delivered_at, d.delivered_at + RECOVERED_WITHIN)
    booked_anew = (
        select(func.count(again.c.person_id.distinct()))
        .select_from(deliveries)
        .join(missed, and_(missed.c.booking_id == d.booking_id, missed.c.email == d.recipient))
        .join(again, again.c.person_id == missed.c.person_id)
        .join(bookings, and_(bookings.c.id == again.c.booking_id, in_time))
        .where(was_sent)
    )
    query = select(
        select(func.count()).select_from(deliveries).where(was_sent).scalar_subquery().label("sent"),
        booked_anew.scalar_subquery().label("recovered"),
    )
    return dict((await tx.execute(query)).mappings().one())
