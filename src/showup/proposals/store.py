"""Store proposals in PostgreSQL. Only the projector does so."""

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

import asyncpg
from msgspec import to_builtins

from showup.database import bulk
from showup.database.tables import proposals
from showup.proposals.proposal import Proposal

_OWN = tuple(name for name in Proposal.__struct_fields__ if name != "content")
_CONTENT = ("title", "scope", "currency", "total", "valid_until", "recipient", "notes")


async def save(
    connection: asyncpg.Connection, workspace_id: UUID, by_booking: Mapping[UUID, Iterable[Proposal]]
) -> None:
    """Replace the proposals of these bookings."""
    await remove(connection, by_booking)
    rows = [
        {
            "workspace_id": workspace_id,
            "booking_id": booking_id,
            **{name: getattr(one, name) for name in _OWN},
            **{name: getattr(one.content, name) for name in _CONTENT},
            "items": to_builtins(one.content.items),
        }
        for booking_id, found in by_booking.items()
        for one in found
    ]
    await bulk.insert(connection, proposals, rows)


async def remove(connection: asyncpg.Connection, booking_ids: Collection[UUID]) -> None:
    """Remove the proposals of these bookings."""
    await connection.execute("DELETE FROM proposals WHERE booking_id = ANY($1::uuid[])", list(booking_ids))
