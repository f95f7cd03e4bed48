"""Stores destination queues in PostgreSQL: all processes share each destination's rate limit and pause.

`QueueMeter` counts the calls of a delivery that takes several.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

import asyncpg
import msgspec
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import Clock
from showup.database.engine import driver_connection, transaction
from showup.destinations.contract import Pace
from showup.destinations.destination_kind import OverLimit
from showup.dispatch.queue_state import QueueState, refilled
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


_MAX_WAIT: Final = timedelta(seconds=10)


class QueueMeter:
    """The meter of one queue. A call takes its token when it is announced, even if the token must still refill."""

    def __init__(
        self,
        engine: AsyncEngine,
        queue: DestinationQueue,
        pace: Pace,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._engine = engine
        self._queue = queue
        self._pace = pace
        self._clock = clock
        self._sleep = sleep

    async def take(self, calls: int = 1) -> None:
        """Returns when that many more calls may be made. Raises OverLimit if the wait is too long."""
        async with transaction(self._engine) as tx:
            connection = await driver_connection(tx)
            locked = await lock(connection, self._queue, self._pace, self._clock())
            now = self._clock()
            state = refilled(locked, self._pace, now)
            wait = timedelta(seconds=max(0.0, calls - state.tokens) / self._pace.rate_per_second)
            if wait > _MAX_WAIT:
                raise OverLimit(now + wait)
            await save(connection, self._queue, replace(state, tokens=state.tokens - calls))
        if wait:
            await self._sleep(wait.total_seconds())
