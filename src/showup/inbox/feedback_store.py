"""Feedback of a provider as it is kept in the log, and as it waits there for the mail that it is about."""

import hashlib
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg
from msgspec import Struct
from uuid_utils.compat import uuid7

from showup.inbox.raw_event import FROM_RESEND, Kept
from showup.inbox.store import CHANNEL

WAITS_FOR: Final = timedelta(minutes=15)
"""How long feedback waits for a mail that nobody knows: its delivery may be noted later than Resend tells of it."""
NOT_KNOWN_YET: Final = "the mail that it tells of is not known here yet"
_NOT_OURS: Final = "the mail that it tells of is none that this Showup has sent"


class Message(Struct, frozen=True, kw_only=True):
    """A signed webhook of Resend. `id` is the sender's, and the same when it is sent again; `actor`: which sender."""

    workspace_id: UUID
    id: str
    actor: str
    body: bytes
    received_at: datetime
    content_type: str | None
    source_address: str | None


async def keep_message(connection: asyncpg.Connection, message: Message) -> Kept:
    """Adds it to the log; as a duplicate where the workspace has a message with this id."""
    event_id = uuid7()
    values = (
        event_id,
        message.workspace_id,
        FROM_RESEND,
        message.actor,
        message.received_at,
        hashlib.sha256(message.body).digest(),
        message.body,
        message.content_type,
        message.source_address,
        message.id,
    )
    if await connection.fetchval(_KEEP, *values):
        return Kept(id=event_id)
    first = await connection.fetchval(_KEEP_DUPLICATE, *values)
    if first is None:
        raise LookupError("the message is neither new nor known; nobody may be told that it is kept")
    return Kept(id=event_id, duplicate_of=first)


async def look_again(connection: asyncpg.Connection, now: datetime) -> int:
    """Hands feedback to the applier whose mail is known by now, and gives up what waited long; how many were handed."""
    rows = await connection.fetch(
        """
        UPDATE calcom_events e SET state = 'kept', because = NULL
        FROM deliveries d
        WHERE e.origin = $1 AND e.state = 'waiting' AND d.provider_id = e.uid AND d.workspace_id = e.workspace_id
        RETURNING e.id
        """,
        FROM_RESEND,
    )
    await connection.execute(
        "UPDATE calcom_events SET state = 'ignored', because = $3 "
        "WHERE origin = $1 AND state = 'waiting' AND coalesce(replayed_at, received_at) <= $2",
        FROM_RESEND,
        now - WAITS_FOR,
        _NOT_OURS,
    )
    return len(rows)


_KEEP: Final = f"""
    WITH kept AS (
        INSERT INTO calcom_events (id, workspace_id, origin, actor, received_at, digest, body, content_type,
                                   source_address, message_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (workspace_id, message_id) WHERE message_id IS NOT NULL AND duplicate_of IS NULL DO NOTHING
        RETURNING id
    )
    SELECT id, pg_notify('{CHANNEL}', '') FROM kept
"""  # noqa: S608  # a constant

_KEEP_DUPLICATE: Final = """
    INSERT INTO calcom_events (id, workspace_id, origin, actor, received_at, digest, body, content_type,
                               source_address, message_id, duplicate_of, state, because, settled_at)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, f.id, 'duplicate', 'the same message is kept and applied already',
           $5
    FROM calcom_events f WHERE f.workspace_id = $2 AND f.message_id = $10 AND f.duplicate_of IS NULL
    RETURNING duplicate_of
"""
