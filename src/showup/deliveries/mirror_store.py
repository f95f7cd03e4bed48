"""Copies of destinations' records in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg
import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import Clock
from showup.database import bulk
from showup.database.engine import raw, transaction
from showup.database.tables import mirrored
from showup.deliveries.delivery import Lane
from showup.destinations.kind import Mirrored


class StoredMirror:
    """The copy that one lane keeps of its destination."""

    def __init__(self, engine: AsyncEngine, lane: Lane, clock: Clock) -> None:
        self._engine = engine
        self._lane = lane
        self._clock = clock

    async def synced_until(self, list_id: str) -> datetime | None:
        """How far the copy of a list has come, by the destination's own clock; None: there is none yet."""
        row = await self._mark(list_id)
        return None if row is None else row["synced_until"]

    async def synced_at(self, list_id: str) -> datetime | None:
        """When somebody last brought the copy up to date, by our clock."""
        row = await self._mark(list_id)
        return None if row is None else row["synced_at"]

    async def put(self, list_id: str, records: Sequence[Mirrored], until: datetime) -> None:
        """Writes new and changed records, and how far the copy has come; never back."""
        whose = {"workspace_id": self._lane.workspace_id, "destination": self._lane.destination}
        rows = [whose | msgspec.structs.asdict(one) for one in {one.record: one for one in records}.values()]
        async with transaction(self._engine) as tx:
            connection = await raw(tx)
            await bulk.upsert(connection, mirrored, rows, key=("workspace_id", "destination", "record"))
            await connection.execute(
                """
                INSERT INTO mirrors (workspace_id, destination, list, synced_until, synced_at) VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT (workspace_id, destination, list)
                DO UPDATE SET synced_until = greatest(mirrors.synced_until, $4), synced_at = $5
                """,
                self._lane.workspace_id,
                self._lane.destination,
                list_id,
                until,
                self._clock(),
            )

    async def called(self, last_name: str) -> list[Mirrored]:
        """Everybody of that last name, newest first."""
        async with transaction(self._engine) as tx:
            rows = await (await raw(tx)).fetch(
                """
                SELECT list, record, title, name, last_name, updated_at, email, url FROM mirrored
                WHERE workspace_id = $1 AND destination = $2 AND last_name = $3
                ORDER BY updated_at DESC, record LIMIT 100
                """,
                self._lane.workspace_id,
                self._lane.destination,
                last_name,
            )
        return [Mirrored(**dict(row)) for row in rows]

    async def _mark(self, list_id: str) -> asyncpg.Record | None:
        async with transaction(self._engine) as tx:
            return await (await raw(tx)).fetchrow(
                """
                SELECT synced_until, synced_at FROM mirrors
                WHERE workspace_id = $1 AND destination = $2 AND list = $3
                """,
                self._lane.workspace_id,
                self._lane.destination,
                list_id,
            )
