"""News of deals on its way, in PostgreSQL: written once, with the deal as it was then, and never changed."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

import asyncpg
from msgspec import Struct

from showup.database import bulk
from showup.database.tables import deliveries
from showup.deliveries.delivery import Wake

_PRIORITY: Final = 30
_NEXT: Final = timedelta(microseconds=1)


class DealTold(Struct, frozen=True, kw_only=True):
    """One piece of news of one deal for one destination; from `expires_at` on it is not told any more."""

    destination: str
    kind: str
    deal_id: UUID
    event_id: UUID
    decided_at: datetime
    expires_at: datetime
    details: dict[str, Any]

    @property
    def key(self) -> str:
        """Which news it is, once and for all."""
        return f"{self.destination}/{self.kind}:{self.deal_id}:{self.event_id}"


async def add(connection: asyncpg.Connection, workspace_id: UUID, told: Sequence[DealTold]) -> list[Wake]:
    """Writes what was not written before, each deal's news in this order; when somebody must look at it."""
    last = await _last_due(connection, {one.deal_id for one in told})
    rows = []
    for one in told:
        lane = (one.deal_id, one.destination)
        # Behind whatever was told of the deal before it, in one batch or in many.
        last[lane] = max(one.decided_at, last.get(lane, one.decided_at) + _NEXT)
        rows.append(_row(workspace_id, one, last[lane]))
    await bulk.insert_new(connection, deliveries, rows)
    return [Wake(destination=row["destination"], at=row["due_at"]) for row in rows]


async def _last_due(connection: asyncpg.Connection, deal_ids: Collection[UUID]) -> dict[tuple[UUID, str], datetime]:
    rows = await connection.fetch(
        """
        SELECT deal_id, destination, max(due_at) AS due_at FROM deliveries WHERE deal_id = ANY($1::uuid[]) GROUP BY 1, 2
        """,
        list(deal_ids),
    )
    return {(row["deal_id"], row["destination"]): row["due_at"] for row in rows}


def _row(workspace_id: UUID, told: DealTold, due_at: datetime) -> dict[str, Any]:
    return {
        "id": uuid5(workspace_id, told.key),
        "workspace_id": workspace_id,
        "deal_id": told.deal_id,
        "event_id": told.event_id,
        "key": told.key,
        "destination": told.destination,
        "kind": told.kind,
        "priority": _PRIORITY,
        "booking_version": 0,
        "due_at": due_at,
        "expires_at": told.expires_at,
        "wake_at": due_at,
        "state": "scheduled",
        "details": told.details,
        "simulated": False,
        "created_at": told.decided_at,
        "updated_at": told.decided_at,
    }
