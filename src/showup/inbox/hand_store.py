"""What people do, as it is added to the log."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from uuid_utils.compat import uuid7

from showup.inbox.raw_event import BY_HAND
from showup.inbox.store import RawEvent


async def keep_by_hand(
    connection: asyncpg.Connection, workspace_id: UUID, given: Sequence[tuple[bytes, str]], received_at: datetime
) -> list[RawEvent]:
    """Adds commands, as (body, actor); the raw events in the same order."""
    events = [
        RawEvent(
            id=uuid7(),
            account_id=None,
            origin=BY_HAND,
            received_at=received_at,
            digest=hashlib.sha256(body).digest(),
            body=body,
            attempts=0,
            replayed_at=None,
        )
        for body, _ in given
    ]
    await connection.executemany(
        """
        INSERT INTO calcom_events (id, workspace_id, origin, actor, received_at, digest, body, content_type)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'application/json')
        """,
        [
            (event.id, workspace_id, event.origin, actor, received_at, event.digest, event.body)
            for event, (_, actor) in zip(events, given, strict=True)
        ],
    )
    return events
