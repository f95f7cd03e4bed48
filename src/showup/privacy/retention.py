"""Deletes what has been kept for long enough: contents and histories that no current record needs.

Bodies of events that were applied stay, because the current data is replayed from them: an erasure redacts those.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import Clock
from showup.database.engine import driver_connection, transaction
from showup.inbox.apply import lock_pipeline
from showup.inbox.erasure import erase_events
from showup.inbox.rebuild.compare import STATEMENT_TIMEOUT
from showup.privacy import actions_store

EXPIRED: Final = "its body was kept for the time that the retention says"
BATCH_ROWS: Final = 500
MAX_BATCHES: Final = 40
"""The most batches of one kind in one run; the next run continues."""

_ACTOR: Final = "showup"


class Kept(Struct, frozen=True, kw_only=True):
    """One kind of data: the table, and which of its rows `t` are older than $1 and needed for nothing."""

    table: str
    condition: str
    about: str


KINDS: Final[Mapping[str, Kept]] = {
    "delivery_contents": Kept(
        table="delivery_contents",
        condition="t.rendered_at < $1 AND EXISTS (SELECT FROM deliveries d WHERE d.id = t.delivery_id "
        "AND d.state NOT IN ('scheduled', 'sending'))",
        about="contents of messages that were sent or ended",
    ),
    "delivery_attempts": Kept(
        table="delivery_attempts",
        condition="t.ended_at < $1 AND EXISTS (SELECT FROM deliveries d WHERE d.id = t.delivery_id "
        "AND d.state NOT IN ('scheduled', 'sending'))",
        about="attempts to send messages that were sent or ended",
    ),
    "sign_ins": Kept(table="sign_in_log", condition="t.at < $1", about="the log of sign-ins"),
    "chat": Kept(table="chat_messages", condition="t.created_at < $1", about="conversations with the assistant"),
    "approvals": Kept(
        table="approvals",
        condition="t.created_at < $1 AND t.state <> 'pending'",
        about="changes that assistants asked for, and that were decided",
    ),
    "acknowledgements": Kept(table="acknowledgements", condition="t.at < $1", about="acknowledged warnings"),
    "privacy_log": Kept(table="privacy_actions", condition="t.at < $1", about="the log of exports and erasures"),
}
"""What can be deleted by its age, by its key in `[retention]` of showup.toml."""

UNUSED_BODIES: Final = "unused_bodies"
"""The key of bodies that had no effect: ignored, unreadable, refused and repeated ones."""

_UNUSED: Final = """
    FROM inbox_events e WHERE e.received_at < $1 AND octet_length(e.body) > 0
    AND e.state IN ('ignored', 'unreadable', 'refused', 'duplicate')
"""


class Expired(Struct, frozen=True, kw_only=True):
    """How many rows of one kind are older than they are kept; `is_complete`: a run deletes or deleted all of them."""

    kind: str
    rows: int
    is_complete: bool = True


class Retention:
    """Deletes what is older than `keep` says, by kind; kinds that it doesn't name are kept forever."""

    def __init__(self, engine: AsyncEngine, clock: Clock, keep: Mapping[str, timedelta]) -> None:
        self._engine = engine
        self._clock = clock
        self._keep = keep

    async def count(self) -> list[Expired]:
        """Returns what a run would delete, and changes nothing."""
        now = self._clock()
        found: list[Expired] = []
        async with transaction(self._engine) as tx:
            connection = await driver_connection(tx)
            for kind, age in self._keep.items():
                query = (
                    _UNUSED if kind == UNUSED_BODIES else f"FROM {KINDS[kind].table} t WHERE {KINDS[kind].condition}"
                )
                rows = await connection.fetchval(f"SELECT count(*) {query}", now - age, timeout=STATEMENT_TIMEOUT)
                found.append(Expired(kind=kind, rows=rows, is_complete=rows <= BATCH_ROWS * MAX_BATCHES))
        return found

    async def run(self) -> list[Expired]:
        """Deletes in small batches, each in a transaction; records how much. An interrupted run is continued later."""
        now = self._clock()
        done = [await self._run_kind(kind, now - age) for kind, age in self._keep.items()]
        if any(one.rows for one in done):
            counts = {one.kind: one.rows for one in done if one.rows}
            async with transaction(self._engine) as tx:
                connection = await driver_connection(tx)
                await actions_store.add(connection, "retention", workspace_id=None, actor=_ACTOR, at=now, counts=counts)
        return done

    async def run_due(self) -> None:
        """Runs as a scheduled task."""
        await self.run()

    async def _run_kind(self, kind: str, before: datetime) -> Expired:
        rows = 0
        for _ in range(MAX_BATCHES):
            async with transaction(self._engine) as tx:
                connection = await driver_connection(tx)
                deleted = await _delete(connection, kind, before)
            rows += deleted
            if deleted < BATCH_ROWS:
                return Expired(kind=kind, rows=rows)
        return Expired(kind=kind, rows=rows, is_complete=False)


def _rows_of(kind: str) -> str:
    return _UNUSED if kind == UNUSED_BODIES else f"FROM {KINDS[kind].table} t WHERE {KINDS[kind].condition}"


async def _delete(connection: asyncpg.Connection, kind: str, before: datetime) -> int:
    if kind == UNUSED_BODIES:
        return await _erase_bodies(connection, before)
    kept = KINDS[kind]
    status: str = await connection.execute(
        f"DELETE FROM {kept.table} WHERE ctid IN (SELECT t.ctid FROM {kept.table} t WHERE {kept.condition} LIMIT $2)",  # noqa: S608
        before,
        BATCH_ROWS,
        timeout=STATEMENT_TIMEOUT,
    )
    return int(status.rpartition(" ")[2])


async def _erase_bodies(connection: asyncpg.Connection, before: datetime) -> int:
    rows = await connection.fetch(
        f"SELECT e.id, e.workspace_id, e.state {_UNUSED} ORDER BY e.workspace_id, e.received_at LIMIT $2",
        before,
        BATCH_ROWS,
        timeout=STATEMENT_TIMEOUT,
    )
    # In one order, so that two processes never wait for each other.
    for workspace_id in sorted({row["workspace_id"] for row in rows if row["workspace_id"] is not None}):
        await lock_pipeline(connection, workspace_id)
    repeated: list[UUID] = [row["id"] for row in rows if row["state"] == "duplicate"]
    await connection.execute(
        "UPDATE inbox_events SET body = '', digest = sha256(uuid_send(id)) WHERE id = ANY($1::uuid[])", repeated
    )
    await erase_events(connection, [row["id"] for row in rows if row["state"] != "duplicate"], EXPIRED)
    return len(rows)
