"""Counts the weeks whose facts changed: a periodic task."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

import asyncpg
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.analysis.weeks_store import StaleWeek, count_reminders, count_week, find_stale_weeks
from showup.clock import Clock
from showup.database.engine import driver_connection, transaction

_BUDGET: Final = timedelta(seconds=20)
_WEEKS_AT_ONCE: Final = 20
# The projector and a count may need the same rows: the count gives way, and a later run does it.
_LOCK_TIMEOUT: Final = "200ms"
_COUNTED_LATER: Final = (
    asyncpg.LockNotAvailableError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
)

_log = structlog.get_logger()


class WeekCounter:
    """Counts weeks until all are counted, or for 20 seconds; each in its own transaction."""

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        # One snapshot: the version and the facts of a week belong together.
        self._snapshots = engine.execution_options(isolation_level="REPEATABLE READ")
        self._clock = clock

    async def count_due(self) -> int:
        """Count what changed; return how many weeks were counted."""
        stop_at, started_at, counted = monotonic() + _BUDGET.total_seconds(), self._clock(), 0
        try:
            while await self._count_reminders() and monotonic() < stop_at:
                pass
            while (weeks := await self._stale_weeks(started_at)) and monotonic() < stop_at:
                for week in weeks:
                    if monotonic() < stop_at:
                        await self._count_week(week)
                        counted += 1
        except _COUNTED_LATER as fault:
            _log.info("weeks are counted later", fault=str(fault))
        return counted

    async def run(self) -> None:
        """Count what changed."""
        await self.count_due()

    async def _count_reminders(self) -> int:
        async with self._connection(self._engine) as connection:
            return await count_reminders(connection, self._clock())

    async def _stale_weeks(self, started_at: datetime) -> list[StaleWeek]:
        async with self._connection(self._engine) as connection:
            return await find_stale_weeks(connection, self._clock(), counted_before=started_at, limit=_WEEKS_AT_ONCE)

    async def _count_week(self, week: StaleWeek) -> None:
        async with self._connection(self._snapshots) as connection:
            await count_week(connection, week, self._clock())

    @asynccontextmanager
    async def _connection(self, engine: AsyncEngine) -> AsyncIterator[asyncpg.Connection]:
        async with transaction(engine) as tx:
            connection = await driver_connection(tx)
            await connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
            yield connection
