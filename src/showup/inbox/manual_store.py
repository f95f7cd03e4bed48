"""Stores people's commands in the log."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from uuid_utils.compat import uuid7

from showup.inbox.inbox_event import MANUAL
from showup.inbox.store import InboxEvent


async def insert_manual_events(
    connection: asyncpg.Connection, workspace_id: UUID, commands: Sequence[tuple[bytes, str]], received_at: datetime
) -> list[InboxEvent]:
    """Adds commands, given as (body, actor); returns their inbox events in the same order."""
    events = [
        InboxEvent(
            id=uuid7(),
            account_id=None,
            origin=MANUAL,
            received_at=received_at,
            digest=hashlib.sha256(body).digest(),
            body=body,
            attempts=0,
            replayed_at=None,
        )
        for body, _ in commands
    ]
    await connection.executemany(
        """
        INSERT INTO inbox_events (id, workspace_id, origin, actor, received_at, digest, body, content_type)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'application/json')
        """,
        [
            (event.id, workspace_id, event.origin, actor, received_at, event.digest, event.body)
            for event, (_, actor) in zip(events, commands, strict=True)
        ],
    )
    return events
