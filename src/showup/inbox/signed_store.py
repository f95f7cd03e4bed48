"""Stores another system's signed webhooks in the log: once for each id that the sender gave."""

import hashlib
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
from msgspec import Struct
from uuid_utils.compat import uuid7

from showup.inbox.inbox_event import Origin, Source, Stored
from showup.inbox.store import CHANNEL


class SignedWebhook(Struct, frozen=True, kw_only=True):
    """A webhook to be stored. `id` is the sender's, and stays the same when it is sent again; `actor`: the sender."""

    workspace_id: UUID
    id: str
    actor: str
    body: bytes
    received_at: datetime
    content_type: str | None
    source_address: str | None
    source: Source
    origin: Origin


async def insert_signed(connection: asyncpg.Connection, webhook: SignedWebhook) -> Stored:
    """Adds the webhook to the log, as a duplicate where the workspace has one with this id."""
    event_id = uuid7()
    values = (
        event_id,
        webhook.workspace_id,
        webhook.source,
        webhook.origin,
        webhook.actor,
        webhook.received_at,
        hashlib.sha256(webhook.body).digest(),
        webhook.body,
        webhook.content_type,
        webhook.source_address,
        webhook.id,
    )
    if await connection.fetchval(_INSERT, *values):
        return Stored(id=event_id)
    original_id = await connection.fetchval(_INSERT_DUPLICATE, *values)
    if original_id is None:
        raise LookupError("the webhook is neither new nor a duplicate, so it must not be confirmed as stored")
    return Stored(id=event_id, duplicate_of=original_id)


_INSERT: Final = f"""
    WITH inserted AS (
        INSERT INTO inbox_events (id, workspace_id, source, origin, actor, received_at, digest, body, content_type,
                                  source_address, source_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (workspace_id, source_id) WHERE source_id IS NOT NULL AND duplicate_of IS NULL DO NOTHING
        RETURNING id
    )
    SELECT id, pg_notify('{CHANNEL}', '') FROM inserted
"""  # noqa: S608  # a constant

_INSERT_DUPLICATE: Final = """
    INSERT INTO inbox_events (id, workspace_id, source, origin, actor, received_at, digest, body, content_type,
                              source_address, source_id, duplicate_of, state, because, processed_at)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, f.id, 'duplicate', 'the same webhook was already received',
           $6
    FROM inbox_events f WHERE f.workspace_id = $2 AND f.source_id = $11 AND f.duplicate_of IS NULL
    RETURNING duplicate_of
"""
