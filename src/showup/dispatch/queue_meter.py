"""Counts calls against a destination's rate limit when one delivery takes several; all processes share the queue."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import Clock
from showup.database.engine import driver_connection, transaction
from showup.destinations.contract import Pace
from showup.destinations.destination_kind import OverLimit
from showup.dispatch import queue_store
from showup.dispatch.queue_state import refilled
from showup.outbox.delivery import DestinationQueue

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
            locked = await queue_store.lock(connection, self._queue, self._pace, self._clock())
            now = self._clock()
            state = refilled(locked, self._pace, now)
            wait = timedelta(seconds=max(0.0, calls - state.tokens) / self._pace.rate_per_second)
            if wait > _MAX_WAIT:
                raise OverLimit(now + wait)
            await queue_store.save(connection, self._queue, replace(state, tokens=state.tokens - calls))
        if wait:
            await self._sleep(wait.total_seconds())
