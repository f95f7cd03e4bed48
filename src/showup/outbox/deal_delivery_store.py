"""Stores deliveries of deal events in PostgreSQL: written once, with the deal as it was then, and never changed."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg
from msgspec.structs import replace

from showup.database import bulk
from showup.database.tables import deliveries
from showup.outbox.delivery import Delivery, WakeUp

_TICK: Final = timedelta(microseconds=1)


async def add(connection: asyncpg.Connection, workspace_id: UUID, planned: Sequence[Delivery]) -> list[WakeUp]:
    """Writes the deliveries that are new, each deal's events in this order, and returns the wake-ups they need."""
    last_due = await _last_due(connection, {one.deal_id for one in planned if one.deal_id is not None})
    rows = []
    for one in planned:
        assert one.deal_id is not None, "the delivery is about a deal"
        order_key = (one.deal_id, one.destination)
        # After all earlier deliveries about the deal, whether they come in one batch or in many.
        due_at = max(one.due_at, last_due.get(order_key, one.due_at) + _TICK)
        last_due[order_key] = due_at
        rows.append(replace(one, due_at=due_at).to_row(workspace_id))
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
