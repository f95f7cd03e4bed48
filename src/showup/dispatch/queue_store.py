"""Stores destination queues in PostgreSQL: all processes share each destination's rate limit and pause."""

from datetime import datetime

import asyncpg
import msgspec

from showup.destinations.contract import Pace
from showup.dispatch.queue_state import QueueState
from showup.outbox.delivery import DestinationQueue

_FIELDS = ", ".join(QueueState.__struct_fields__)


async def lock(connection: asyncpg.Connection, queue: DestinationQueue, pace: Pace, now: datetime) -> QueueState:
    """Returns the queue's state, locked until the transaction ends; a new queue has all its tokens."""
    row = await connection.fetchrow(
        f"SELECT {_FIELDS} FROM destination_queues WHERE workspace_id = $1 AND destination = $2 FOR UPDATE",  # noqa: S608  # our names
        queue.workspace_id,
        queue.destination,
    )
    if row is not None:
        return msgspec.convert(dict(row), QueueState)
    await connection.execute(
        """
        INSERT INTO destination_queues (workspace_id, destination, tokens, tokens_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT DO NOTHING
        """,
        queue.workspace_id,
        queue.destination,
        max(1.0, pace.rate_per_second),
        now,
    )
    return await lock(connection, queue, pace, now)


async def save(connection: asyncpg.Connection, queue: DestinationQueue, state: QueueState) -> None:
    """Writes the state of a locked queue."""
    await connection.execute(
        """
        UPDATE destination_queues
        SET tokens = $3, tokens_at = $4, paused_until = $5, because = $6, failures = $7, failing_since = $8,
            passed_at = $9
        WHERE workspace_id = $1 AND destination = $2
        """,
        queue.workspace_id,
        queue.destination,
        *(getattr(state, name) for name in QueueState.__struct_fields__),
    )


async def pause(connection: asyncpg.Connection, queue: DestinationQueue, until: datetime, because: str) -> bool:
    """Pauses a queue until then, whatever its destination answers; returns whether that is a change."""
    known = await connection.fetchval(
        "SELECT because FROM destination_queues WHERE workspace_id = $1 AND destination = $2",
        queue.workspace_id,
        queue.destination,
    )
    await connection.execute(
        """
        INSERT INTO destination_queues (workspace_id, destination, tokens, tokens_at, paused_until, because)
        VALUES ($1, $2, 1, $3, $3, $4)
        ON CONFLICT (workspace_id, destination) DO UPDATE SET paused_until = $3, because = $4
        """,
        queue.workspace_id,
        queue.destination,
        until,
        because,
    )
    return bool(known != because)
