"""What is told to the outside, and what became of it."""

from uuid import UUID

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permit import Permit
from showup.database.tables import deliveries
from showup.reads.keyset import Ask, Page, Sorts, read_page
from showup.reads.rows import seen_by

SORTS: Sorts = {name: deliveries.c[name] for name in ("created_at", "due_at")}

# Neither `key` nor `details`: both may hold a uid, which can cancel a meeting at Cal.com.
FIELDS = (
    *("id", "booking_id", "event_id", "destination", "kind", "recipient", "state", "because"),
    *("due_at", "delivered_at", "simulated", "created_at", "updated_at"),
)


class DeliveryFilter(Struct, frozen=True, kw_only=True):
    """What a delivery must fulfil; None asks nothing."""

    state: str | None = None
    destination: str | None = None
    booking_id: UUID | None = None


async def list_deliveries(tx: AsyncConnection, permit: Permit, wanted: DeliveryFilter, ask: Ask) -> Page:
    """One page of the permit's deliveries."""
    query = select(*(deliveries.c[name] for name in FIELDS)).where(seen_by(permit, deliveries))
    for name in ("state", "destination", "booking_id"):
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(deliveries.c[name] == value)
    return await read_page(tx, query, SORTS, ask)
