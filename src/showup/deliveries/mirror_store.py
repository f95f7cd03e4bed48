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
        """Writes new and changed records, and how far the copy has come; neither ever goes back."""
        newest = {one.record: one for one in sorted(records, key=lambda one: one.updated_at)}
        whose = {"workspace_id": self._lane.workspace_id, "destination": self._lane.destination}
        async with transaction(self._engine) as tx:
            connection = await raw(tx)
            # First of all, so that two who copy the same list come one after the other.
            await self._note(connection, list_id, until)
            known = await self._known(connection, list(newest))
            rows = [
                whose | msgspec.structs.asdict(newest[record])
                for record in sorted(newest)
                if record not in known or known[record] <= newest[record].updated_at
            ]
            await bulk.upsert(connection, mirrored, rows, key=("workspace_id", "destination", "record"))

    async def _note(self, connection: asyncpg.Connection, list_id: str, until: datetime) -> None:
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

    async def _known(self, connection: asyncpg.Connection, records: Sequence[str]) -> dict[str, datetime]:
        """When those that are copied already had last changed by then."""
        rows = await connection.fetch(
            """
            SELECT record, updated_at FROM mirrored
            WHERE workspace_id = $1 AND destination = $2 AND record = ANY($3::text[])
            """,
            self._lane.workspace_id,
            self._lane.destination,
            records,
        )
        return {row["record"]: row["updated_at"] for row in rows}

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
