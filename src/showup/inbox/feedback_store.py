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
_LOCK: Final = 0x4D_41_49_4C
_NOT_OURS: Final = "the mail that it tells of is none that this Showup has sent"


class Signed(Struct, frozen=True, kw_only=True):
    """A signed webhook of Resend. `id` is the sender's, and the same when it is sent again; `actor`: which sender."""

    workspace_id: UUID
    id: str
    actor: str
    body: bytes
    received_at: datetime
    content_type: str | None
    source_address: str | None


async def keep_signed(connection: asyncpg.Connection, signed: Signed) -> Kept:
    """Adds it to the log; as a duplicate where the workspace has one with this id."""
    event_id = uuid7()
    values = (
        event_id,
        signed.workspace_id,
        FROM_RESEND,
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


async def look_again(connection: asyncpg.Connection, now: datetime) -> int:
    """Hands feedback to the applier whose mail is known by now, and gives up what waited long; how many were handed."""
    # One process looks at a time: two that change the same rows in different orders would wait for each other.
    if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK):
        return 0
    rows = await connection.fetch(_KNOWN)
    await connection.execute(_GIVE_UP, now - WAITS_FOR, _NOT_OURS)
    return len(rows)


# The origin stands in the text, so that every plan of them can use the index of what waits.
_KNOWN: Final = f"""
    UPDATE calcom_events e SET state = 'kept', because = NULL
    FROM deliveries d
    WHERE e.origin = '{FROM_RESEND}' AND e.state = 'waiting'
    AND d.provider_id = e.uid AND d.workspace_id = e.workspace_id
    RETURNING e.id
"""  # noqa: S608  # a constant

_GIVE_UP: Final = f"""
    UPDATE calcom_events SET state = 'ignored', because = $2
    WHERE origin = '{FROM_RESEND}' AND state = 'waiting' AND coalesce(replayed_at, received_at) <= $1
"""  # noqa: S608  # a constant

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
