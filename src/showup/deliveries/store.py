"""Deliveries in PostgreSQL: what a story calls for, laid beside what was told already."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import attrgetter, itemgetter
from typing import Any
from uuid import UUID, uuid5

import asyncpg
from msgspec.structs import replace

from showup.database import bulk
from showup.database.tables import deliveries
from showup.deliveries.delivery import Delivery

_COMPARED = (
    *("booking_id", "event_id", "destination", "kind", "recipient", "booking_version"),
    *("due_at", "state", "because", "simulated"),
)
_of_row, _of_delivery = itemgetter(*_COMPARED), attrgetter(*_COMPARED)
# What a story told anew may still change; whatever is under way or over stays as it is.
_OPEN = ("scheduled", "withdrawn", "skipped")


async def rewrite(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    *,
    booking_ids: Iterable[UUID],
    wanted: Sequence[Delivery],
    untold: Collection[UUID] = (),
) -> None:
    """From now on these bookings call for `wanted`.

    Of those in `untold` there is no news: what their stories call for now, and did not before, is told to nobody, but
    for what is still to come (PI13).

    A key is told once: one that stands already, for whichever booking, is changed only while nothing was sent. A row of
    which nothing was sent goes when the story, told anew with late news, never called for it.
    """
    keys = {delivery.key for delivery in wanted}
    rows = await connection.fetch(
        """
        SELECT id, key, booking_id, event_id, destination, kind, recipient, booking_version, due_at, state, because,
               simulated
        FROM deliveries WHERE booking_id = ANY($1::uuid[])
        UNION ALL
        SELECT id, key, booking_id, event_id, destination, kind, recipient, booking_version, due_at, state, because,
               simulated
        FROM deliveries WHERE workspace_id = $2 AND key = ANY($3::text[]) AND booking_id <> ALL ($1::uuid[])
        """,
        list(booking_ids),
        workspace_id,
        list(keys),
    )
    standing = {row["key"]: row for row in rows}
    changed = [
        _row(workspace_id, _untold(delivery) if delivery.booking_id in untold and new else delivery)
        for delivery in wanted
        if (new := delivery.key not in standing) or _differs(standing[delivery.key], delivery)
    ]
    await bulk.upsert(connection, deliveries, changed, key=("workspace_id", "key"))
    gone = [row["id"] for key, row in standing.items() if key not in keys and row["state"] in _OPEN]
    if gone:
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


def _untold(delivery: Delivery) -> Delivery:
    if delivery.state != "scheduled" or delivery.due_at > delivery.decided_at:
        return delivery
    return replace(delivery, state="skipped", because="rules changed, and that is told to nobody")


def _differs(row: asyncpg.Record, delivery: Delivery) -> bool:
    if row["state"] not in _OPEN:
        return False
    if row["state"] == "skipped" and delivery.state == "scheduled":
        # Skipped because it was not to be told: the same key is not called for again.
        return False
    return bool(_of_row(row) != _of_delivery(delivery))


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
