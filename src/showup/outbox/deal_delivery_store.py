"""Stores deliveries of deal events in PostgreSQL: written once, with the deal as it was then, and never changed."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

import asyncpg
from msgspec import Struct

from showup.database import bulk
from showup.database.tables import deliveries
from showup.outbox.delivery import WakeUp

_PRIORITY: Final = 30
_TICK: Final = timedelta(microseconds=1)


class DealDelivery(Struct, frozen=True, kw_only=True):
    """One event of one deal for one destination; it is not sent after `expires_at`."""

    destination: str
    kind: str
    deal_id: UUID
    event_id: UUID
    decided_at: datetime
    expires_at: datetime
    details: dict[str, Any]

    @property
    def key(self) -> str:
        """Returns the idempotency key of the event."""
        return f"{self.destination}/{self.kind}:{self.deal_id}:{self.event_id}"


async def add(connection: asyncpg.Connection, workspace_id: UUID, planned: Sequence[DealDelivery]) -> list[WakeUp]:
    """Writes the deliveries that are new, each deal's events in this order, and returns the wake-ups they need."""
    last_due = await _last_due(connection, {one.deal_id for one in planned})
    rows = []
    for one in planned:
        order_key = (one.deal_id, one.destination)
        # After all earlier deliveries about the deal, whether they come in one batch or in many.
        last_due[order_key] = max(one.decided_at, last_due.get(order_key, one.decided_at) + _TICK)
        rows.append(_row(workspace_id, one, last_due[order_key]))
    await bulk.insert_new(connection, deliveries, rows)
    return [WakeUp(destination=row["destination"], at=row["due_at"]) for row in rows]


async def _last_due(connection: asyncpg.Connection, deal_ids: Collection[UUID]) -> dict[tuple[UUID, str], datetime]:
    rows = await connection.fetch(
        """
        SELECT deal_id, destination, max(due_at) AS due_at FROM deliveries WHERE deal_id = ANY($1::uuid[]) GROUP BY 1, 2
        """,
        list(deal_ids),
    )
    return {(row["deal_id"], row["destination"]): row["due_at"] for row in rows}


def _row(workspace_id: UUID, planned: DealDelivery, due_at: datetime) -> dict[str, Any]:
    return {
        "id": uuid5(workspace_id, planned.key),
        "workspace_id": workspace_id,
        "deal_id": planned.deal_id,
        "event_id": planned.event_id,
        "key": planned.key,
        "destination": planned.destination,
        "kind": planned.kind,
        "priority": _PRIORITY,
        "booking_version": 0,
        "due_at": due_at,
        "expires_at": planned.expires_at,
        "wake_at": due_at,
        "state": "scheduled",
        "details": planned.details,
        "simulated": False,
        "created_at": planned.decided_at,
        "updated_at": planned.decided_at,
    }
