"""Stores copies of destinations' records in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import asyncpg
import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import Clock
from showup.database import bulk
from showup.database.engine import driver_connection, transaction
from showup.database.tables import mirrored_records
from showup.destinations.destination_kind import MirroredRecord
from showup.outbox.delivery import DestinationQueue


class StoredMirror:
    """The copy that one queue keeps of its destination's records."""

    def __init__(self, engine: AsyncEngine, queue: DestinationQueue, clock: Clock) -> None:
        self._engine = engine
        self._queue = queue
        self._clock = clock

    async def synced_until(self, list_id: str) -> datetime | None:
        """Returns how far the copy of a list is synced, by the destination's clock; None if there is no copy yet."""
        row = await self._load_progress(list_id)
        return None if row is None else row["synced_until"]

    async def synced_at(self, list_id: str) -> datetime | None:
        """Returns when the copy was last synced, by Showup's clock."""
        row = await self._load_progress(list_id)
        return None if row is None else row["synced_at"]

    async def put(self, list_id: str, records: Sequence[MirroredRecord], until: datetime) -> None:
        """Writes new and changed records, and how far the copy is synced; neither ever moves back."""
        newest = {one.record: one for one in sorted(records, key=lambda one: one.updated_at)}
        queue_columns = {"workspace_id": self._queue.workspace_id, "destination": self._queue.destination}
        async with transaction(self._engine) as tx:
            connection = await driver_connection(tx)
            # This comes first, so that two processes that copy the same list run one after the other.
            await self._save_progress(connection, list_id, until)
            known = await self._known(connection, list(newest))
            rows = [
                queue_columns | msgspec.structs.asdict(newest[record])
                for record in sorted(newest)
                if record not in known or known[record] <= newest[record].updated_at
            ]
            await bulk.upsert(connection, mirrored_records, rows, key=("workspace_id", "destination", "record"))

    async def _save_progress(self, connection: asyncpg.Connection, list_id: str, until: datetime) -> None:
        await connection.execute(
            """
            INSERT INTO mirrors (workspace_id, destination, list, synced_until, synced_at) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (workspace_id, destination, list)
            DO UPDATE SET synced_until = greatest(mirrors.synced_until, $4), synced_at = $5
            """,
            self._queue.workspace_id,
            self._queue.destination,
            list_id,
            until,
            self._clock(),
        )

    async def _known(self, connection: asyncpg.Connection, records: Sequence[str]) -> dict[str, datetime]:
        """Returns when the copied records had last changed."""
        rows = await connection.fetch(
            """
            SELECT record, updated_at FROM mirrored_records
            WHERE workspace_id = $1 AND destination = $2 AND record = ANY($3::text[])
            """,
            self._queue.workspace_id,
            self._queue.destination,
            records,
        )
        return {row["record"]: row["updated_at"] for row in rows}

    async def find_by_email(self, email: str) -> list[MirroredRecord]:
        """Returns all records with that normalized email, newest first."""
        return await self._find("email", email)

    async def find_by_last_name(self, last_name: str) -> list[MirroredRecord]:
        """Returns all records with that last name, newest first."""
        return await self._find("last_name", last_name)

    async def _find(self, column: Literal["email", "last_name"], value: str) -> list[MirroredRecord]:
        async with transaction(self._engine) as tx:
            rows = await (await driver_connection(tx)).fetch(
                f"""
                SELECT list, record, title, name, last_name, updated_at, email, url FROM mirrored_records
                WHERE workspace_id = $1 AND destination = $2 AND {column} = $3
                ORDER BY updated_at DESC, record LIMIT 100
                """,  # noqa: S608  # the name of our own column
                self._queue.workspace_id,
                self._queue.destination,
                value,
            )
        return [MirroredRecord(**dict(row)) for row in rows]

    async def _load_progress(self, list_id: str) -> asyncpg.Record | None:
        async with transaction(self._engine) as tx:
            return await (await driver_connection(tx)).fetchrow(
                """
                SELECT synced_until, synced_at FROM mirrors
                WHERE workspace_id = $1 AND destination = $2 AND list = $3
                """,
                self._queue.workspace_id,
                self._queue.destination,
                list_id,
            )
