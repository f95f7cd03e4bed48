"""Stores manual events in the log."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from uuid_utils.compat import uuid7

from showup.inbox.inbox_event import Origin
from showup.inbox.store import InboxEvent


async def insert_manual_events(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    bodies: Sequence[bytes],
    *,
    actor: str,
    received_at: datetime,
    origin: Origin = "manual",
) -> list[InboxEvent]:
    """Adds manual events in their stored form; returns their inbox events in the same order.

    `origin` is `sample` for the commands of sample data.
    """
    events = [
        InboxEvent(
            id=uuid7(),
            account_id=None,
            source="manual",
            origin=origin,
            received_at=received_at,
            digest=hashlib.sha256(body).digest(),
            body=body,
            attempts=0,
            replayed_at=None,
        )
        for body in bodies
    ]
    await connection.executemany(
        """
        INSERT INTO inbox_events (id, workspace_id, source, origin, actor, received_at, digest, body, content_type)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'application/json')
        """,
        [
            (event.id, workspace_id, event.source, event.origin, actor, received_at, event.digest, event.body)
            for event in events
        ],
    )
    return events
