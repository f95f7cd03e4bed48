"""Erases events from the log without a trace of their content; the hash chain stays valid.

A processed event keeps its row, its number and its links, which prove that it was there: body and salt are gone, and
its digest says nothing of the body. An event that was never processed, and a duplicate, have no link: they are deleted.
"""

from collections.abc import Collection
from uuid import UUID

import asyncpg

from showup.inbox import chain_store


async def erase_events(connection: asyncpg.Connection, event_ids: Collection[UUID], because: str) -> int:
    """Erases these events and their duplicates; returns how many. The caller holds the workspace's lock.

    The caller replays the workspace's log afterwards in the same transaction: its data may come from these events.
    """
    ids = [
        row["id"]
        for row in await connection.fetch(
            "SELECT id FROM inbox_events WHERE id = ANY($1::uuid[]) OR duplicate_of = ANY($1::uuid[])", list(event_ids)
        )
    ]
    await connection.execute("DELETE FROM event_refs WHERE event_id = ANY($1::uuid[])", ids)
    await chain_store.erase_salts(connection, ids)
    await connection.execute(
        """
        UPDATE inbox_events SET state = 'erased', because = $2, body = '', digest = sha256(uuid_send(id)), uid = NULL,
            booking_id = NULL, content_type = NULL, source_address = NULL, next_try_at = NULL
        WHERE id = ANY($1::uuid[]) AND number IS NOT NULL
        """,
        ids,
        because,
    )
    # A duplicate references its original.
    for is_original in (False, True):
        await connection.execute(
            "DELETE FROM inbox_events WHERE id = ANY($1::uuid[]) AND number IS NULL AND (duplicate_of IS NULL) = $2",
            ids,
            is_original,
        )
    return len(ids)
