"""What another system signed, as it is added to the log: once for each id that its sender gave it."""

import hashlib
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
from msgspec import Struct
from uuid_utils.compat import uuid7

from showup.inbox.raw_event import Kept, Origin
from showup.inbox.store import CHANNEL


class Signed(Struct, frozen=True, kw_only=True):
    """What is to be kept. `id` is the sender's, and the same when it is sent again; `actor`: which sender."""

    workspace_id: UUID
    id: str
    actor: str
    body: bytes
    received_at: datetime
    content_type: str | None
    source_address: str | None
    origin: Origin


async def keep_signed(connection: asyncpg.Connection, signed: Signed) -> Kept:
    """Adds it to the log; as a duplicate where the workspace has one with this id."""
    event_id = uuid7()
    values = (
        event_id,
        signed.workspace_id,
        signed.origin,
        signed.actor,
        signed.received_at,
        hashlib.sha256(signed.body).digest(),
        signed.body,
        signed.content_type,
        signed.source_address,
        signed.id,
    )
    if await connection.fetchval(_KEEP, *values):
        return Kept(id=event_id)
    first = await connection.fetchval(_KEEP_DUPLICATE, *values)
    if first is None:
        raise LookupError("the webhook is neither new nor known; nobody may be told that it is kept")
    return Kept(id=event_id, duplicate_of=first)


_KEEP: Final = f"""
    WITH kept AS (
        INSERT INTO calcom_events (id, workspace_id, origin, actor, received_at, digest, body, content_type,
                                   source_address, source_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (workspace_id, source_id) WHERE source_id IS NOT NULL AND duplicate_of IS NULL DO NOTHING
        RETURNING id
    )
    SELECT id, pg_notify('{CHANNEL}', '') FROM kept
"""  # noqa: S608  # a constant

_KEEP_DUPLICATE: Final = """
    INSERT INTO calcom_events (id, workspace_id, origin, actor, received_at, digest, body, content_type,
                               source_address, source_id, duplicate_of, state, because, settled_at)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, f.id, 'duplicate', 'the same webhook is kept and applied already',
           $5
    FROM calcom_events f WHERE f.workspace_id = $2 AND f.source_id = $10 AND f.duplicate_of IS NULL
    RETURNING duplicate_of
"""
