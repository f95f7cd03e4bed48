"""The company and the deal that the row of a booking shows (M02).

Usually they are the booking's own. With seats, they are those of the first attendee who kept a seat.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, case, func, select

from showup.database.tables import bookings, deal_events


def shown_company_id() -> ColumnElement[UUID | None]:
    """Selects the company of the booking's row."""
    return func.coalesce(bookings.c.seat_company_id, bookings.c.company_id)


def shown_deal_id() -> ColumnElement[UUID | None]:
    """Selects the deal of the booking's row."""
    b = bookings.c
    of_seats = seat_deal_id(b.id, b.seat_company_id).correlate(bookings)
    return case((b.seat_company_id.is_not(None), of_seats), else_=b.deal_id)


def seat_deal_id(booking_id: Any, company_id: Any) -> ScalarSelect[UUID]:
    """Selects the latest deal that a company's seats in a booking belong to."""
    event = deal_events.c
    query = select(event.deal_id).where(
        event.booking_id == booking_id, event.company_id == company_id, event.deal_id.is_not(None)
    )
    return query.order_by(event.position.desc()).limit(1).scalar_subquery()
