"""The worker that tells the outside: jobs wake it, the sweep sees to it that it is woken, a courier does the rest."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import asyncpg
import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import Clock, happened
from showup.database.engine import raw, transaction
from showup.database.fault import is_away, shown
from showup.deliveries.courier import Courier
from showup.deliveries.delivery import Lane
from showup.deliveries.sweep import sweep
from showup.deliveries.waking import ENTRYPOINT, lane_of

if TYPE_CHECKING:
    from pgqueuer import PgQueuer
    from pgqueuer.models import Job, Schedule

_EVERY_MINUTE: Final = "* * * * *"
_EVERY_HOUR: Final = "17 * * * *"
_LOGS_KEPT_FOR: Final = timedelta(days=1)
_STATISTICS_KEPT_FOR: Final = timedelta(days=30)
_AGAIN_AFTER: Final = 1.0
_ENDED_WITHIN: Final = 5.0
# A listener that was lost with its connection is not restored: then jobs are found by asking this often.
_ASKS_EVERY: Final = timedelta(seconds=1)
_BATCH: Final = 20
POOL_SIZE: Final = 3
"""One connection listens; the others fetch jobs and write what became of them."""

_log = structlog.get_logger()


class Chore(Struct, frozen=True, kw_only=True):
    """Something else to be done every so often, by one process at a time; `cron` says when, to the minute."""

    name: str
    cron: str
    do: Callable[[], Awaitable[None]]


class Worker:
    """Runs jobs until told to stop; a database that is away is tried again every second."""

    def __init__(
        self,
        engine: AsyncEngine,
        clock: Clock,
        courier: Courier,
        pool: "asyncpg.Pool",
        *,
        chores: Sequence[Chore] = (),
    ) -> None:
        """`pool` leads past a pooler, since it listens; it has POOL_SIZE connections."""
        self._engine = engine
        self._clock = clock
        self._courier = courier
        self._pool = pool
        self._chores = chores
        self._telling: set[asyncio.Task[None]] = set()
        self._at_it: dict[str, asyncio.Task[None]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; what is under way then ends first, for a moment."""
        while not stop.is_set():
            try:
                await self.sweep()
                await self._run_jobs(stop)
            except Exception as fault:
                if not is_away(fault):
                    raise
                _log.warning("the database can't be worked with", fault=shown(fault))
                await happened(stop, _AGAIN_AFTER)

    async def sweep(self) -> None:
        """Wakes every lane at the moments at which something of it is due soon."""
        async with transaction(self._engine) as tx:
            await sweep(await raw(tx), self._clock())

    async def _run_jobs(self, stop: asyncio.Event) -> None:
        queue = self._queue()
        running = asyncio.create_task(queue.run(dequeue_timeout=_ASKS_EVERY, batch_size=_BATCH))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set():
                self._courier.stop()
                queue.shutdown.set()
                await asyncio.wait({running, *self._telling}, timeout=_ENDED_WITHIN)
        finally:
            stopping.cancel()
            running.cancel()
            await self._leave_off()
        with suppress(asyncio.CancelledError):
            try:
                await running
            except Exception as fault:
                # A queue that is told to end may find its connections gone.
                if not stop.is_set() or not is_away(fault):
                    raise

    def _queue(self) -> "PgQueuer":
        from pgqueuer import PgQueuer

        queue = PgQueuer.from_asyncpg_pool(self._pool)

        @queue.entrypoint(ENTRYPOINT, accepts_context=False)
        async def deliver(job: "Job") -> None:
            # Only woken here: a queue that fails waits for its jobs before it says so, and a lane may take hours.
            self._tell(lane_of(job.payload))

        @queue.schedule("sweep", _EVERY_MINUTE, accepts_context=False)
        async def look_ahead(_: "Schedule") -> None:
            await self.sweep()

        @queue.schedule("prune", _EVERY_HOUR, accepts_context=False)
        async def prune(_: "Schedule") -> None:
            await self._prune()

        for chore in self._chores:
            self._schedule(queue, chore)
        return queue

    def _schedule(self, queue: "PgQueuer", chore: Chore) -> None:
        @queue.schedule(chore.name, chore.cron, accepts_context=False)
        async def begin(_: "Schedule") -> None:
            # It may take longer than until its next time, and the queue waits for what it runs.
            if chore.name not in self._at_it or self._at_it[chore.name].done():
                self._at_it[chore.name] = asyncio.create_task(self._do(chore))

    async def _do(self, chore: Chore) -> None:
        try:
            await chore.do()
        except Exception as fault:  # noqa: BLE001  # it must not end the others, and its time comes again
            if not is_away(fault):
                _log.exception("a chore could not be done", chore=chore.name)

    async def _leave_off(self) -> None:
        """What has begun ends now, and may tidy up."""
        for task in self._at_it.values():
            task.cancel()
        if self._at_it:
            await asyncio.wait(self._at_it.values(), timeout=_ENDED_WITHIN)
        self._at_it.clear()

    def _tell(self, lane: Lane) -> None:
        telling = asyncio.create_task(self._drain(lane))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    async def _drain(self, lane: Lane) -> None:
        try:
            await self._courier.drain(lane)
        except Exception as fault:  # noqa: BLE001  # one lane must not end the others; the sweep wakes it again
            if not is_away(fault):
                _log.exception("a lane could not be told", destination=lane.destination)

    async def _prune(self) -> None:
        now = self._clock()
        await self._pool.execute("DELETE FROM pgqueuer_log WHERE aggregated AND created < $1", now - _LOGS_KEPT_FOR)
        await self._pool.execute("DELETE FROM pgqueuer_statistics WHERE created < $1", now - _STATISTICS_KEPT_FOR)
