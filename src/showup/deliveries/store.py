"""Deliveries in PostgreSQL: what a story calls for, laid beside what was told already."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid5

import asyncpg

from showup.database import bulk
from showup.database.tables import deliveries
from showup.deliveries.delivery import Delivery

# What a story told anew may still change; whatever is under way or over stays as it is.
_OPEN = ("scheduled", "withdrawn", "skipped")


async def rewrite(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    *,
    booking_ids: Iterable[UUID],
    wanted: Sequence[Delivery],
) -> None:
    """From now on these bookings call for `wanted`.

    A key is told once: one that stands already, for whichever booking, is changed only while nothing was sent. A row of
    which nothing was sent goes when the story, told anew with late news, never called for it.
    """
    keys = {delivery.key for delivery in wanted}
    rows = await connection.fetch(
        """
        SELECT id, key, booking_id, event_id, destination, kind, recipient, booking_version, due_at, state, because,
               simulated
        FROM deliveries WHERE booking_id = ANY($1::uuid[])
        UNION
        SELECT id, key, booking_id, event_id, destination, kind, recipient, booking_version, due_at, state, because,
               simulated
        FROM deliveries WHERE workspace_id = $2 AND key = ANY($3::text[])
        """,
        list(booking_ids),
        workspace_id,
        list(keys),
    )
    standing = {row["key"]: row for row in rows}
    changed = [
        _row(workspace_id, delivery)
        for delivery in wanted
        if delivery.key not in standing or _differs(standing[delivery.key], delivery)
    ]
    await bulk.upsert(connection, deliveries, changed, key=("workspace_id", "key"))
    gone = [row["id"] for key, row in standing.items() if key not in keys and row["state"] in _OPEN]
    await connection.execute("DELETE FROM deliveries WHERE id = ANY($1::uuid[])", gone)


async def move(connection: asyncpg.Connection, into: Mapping[UUID, UUID]) -> None:
    """Hands the deliveries of bookings that were merged to the booking that stays."""
    await connection.execute(
        """
        UPDATE deliveries d SET booking_id = given.stays
        FROM unnest($1::uuid[], $2::uuid[]) AS given(gone, stays) WHERE d.booking_id = given.gone
        """,
        list(into),
        list(into.values()),
    )


def _differs(row: asyncpg.Record, delivery: Delivery) -> bool:
    if row["state"] not in _OPEN:
        return False
    return any(
        row[name] != getattr(delivery, name)
        for name in (
            "booking_id",
            "event_id",
            "destination",
            "kind",
            "recipient",
            "booking_version",
            "due_at",
            "state",
            "because",
            "simulated",
        )
    )


def _row(workspace_id: UUID, delivery: Delivery) -> dict[str, Any]:
    return {
        "id": uuid5(workspace_id, delivery.key),
        "workspace_id": workspace_id,
        "booking_id": delivery.booking_id,
        "event_id": delivery.event_id,
        "key": delivery.key,
        "destination": delivery.destination,
        "kind": delivery.kind,
        "recipient": delivery.recipient,
        "booking_version": delivery.booking_version,
        "due_at": delivery.due_at,
        "state": delivery.state,
        "because": delivery.because,
        "details": delivery.details,
        "simulated": delivery.simulated,
        "created_at": delivery.decided_at,
        "updated_at": delivery.decided_at,
    }
