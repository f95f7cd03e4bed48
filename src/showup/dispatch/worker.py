"""The worker that sends deliveries: jobs start dispatchers, and the sweep makes sure that jobs exist."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import asyncpg
import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import Clock, wait_until_set
from showup.database.engine import driver_connection, transaction
from showup.database.fault import describe_error, is_outage
from showup.dispatch.dispatcher import Dispatcher
from showup.outbox.delivery import DestinationQueue
from showup.outbox.wakeups import ENTRYPOINT, LOOKAHEAD, MAX_JOBS, queues_of_job, wake_queues

if TYPE_CHECKING:
    from pgqueuer import PgQueuer
    from pgqueuer.models import Job, Schedule

_EVERY_MINUTE: Final = "* * * * *"
_EVERY_HOUR: Final = "17 * * * *"
_LOG_RETENTION: Final = timedelta(days=1)
_STATISTICS_RETENTION: Final = timedelta(days=30)
_RETRY_SECONDS: Final = 1.0
_SHUTDOWN_SECONDS: Final = 5.0
# A listener that was lost with its connection is not restored: then jobs are found by polling this often.
_POLL_INTERVAL: Final = timedelta(seconds=1)
_BATCH_SIZE: Final = 20
POOL_SIZE: Final = 3
"""One connection listens; the others fetch jobs and record their results."""

_log = structlog.get_logger()


class PeriodicTask(Struct, frozen=True, kw_only=True):
    """Another periodic task, run by one process at a time; `cron` is its schedule, to the minute."""

    name: str
    cron: str
    run: Callable[[], Awaitable[None]]


class Worker:
    """Runs jobs until it is stopped; retries an unavailable database every second."""

    def __init__(
        self,
        engine: AsyncEngine,
        clock: Clock,
        dispatcher: Dispatcher,
        pool: "asyncpg.Pool",
        *,
        periodic_tasks: Sequence[PeriodicTask] = (),
    ) -> None:
        """`pool` must bypass a pooler, since it listens; it has POOL_SIZE connections."""
        self._engine = engine
        self._clock = clock
        self._dispatcher = dispatcher
        self._pool = pool
        self._periodic_tasks = periodic_tasks
        self._dispatching: set[asyncio.Task[None]] = set()
        self._running_tasks: dict[str, asyncio.Task[None]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Runs until `stop`; jobs in progress then get a moment to finish."""
        while not stop.is_set():
            try:
                await self.sweep()
                await self._run_jobs(stop)
            except Exception as fault:
                if not is_outage(fault):
                    raise
                _log.warning("database unavailable", fault=describe_error(fault))
                await wait_until_set(stop, _RETRY_SECONDS)

    async def sweep(self) -> None:
        """Wakes every queue at the moments at which it has deliveries due soon."""
        async with transaction(self._engine) as tx:
            await sweep(await driver_connection(tx), self._clock())

    async def _run_jobs(self, stop: asyncio.Event) -> None:
        job_queue = self._build_job_queue()
        running = asyncio.create_task(job_queue.run(dequeue_timeout=_POLL_INTERVAL, batch_size=_BATCH_SIZE))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set():
                self._dispatcher.stop()
                job_queue.shutdown.set()
                await asyncio.wait({running, *self._dispatching}, timeout=_SHUTDOWN_SECONDS)
        finally:
            stopping.cancel()
            running.cancel()
            await self._cancel_tasks()
        with suppress(asyncio.CancelledError):
            try:
                await running
            except Exception as fault:
                # A queue that is stopped may find its connections closed.
                if not stop.is_set() or not is_outage(fault):
                    raise

    def _build_job_queue(self) -> "PgQueuer":
        from pgqueuer import PgQueuer

        job_queue = PgQueuer.from_asyncpg_pool(self._pool)

        @job_queue.entrypoint(ENTRYPOINT, accepts_context=False)
        async def deliver(job: "Job") -> None:
            # The job only wakes the dispatcher: a failing queue waits for its jobs before it reports, which may take
            # hours.
            for queue in queues_of_job(job.payload):
                self._start_dispatch(queue)

        @job_queue.schedule("sweep", _EVERY_MINUTE, accepts_context=False)
        async def look_ahead(_: "Schedule") -> None:
            await self.sweep()

        @job_queue.schedule("prune", _EVERY_HOUR, accepts_context=False)
        async def prune(_: "Schedule") -> None:
            await self._prune()

        for task in self._periodic_tasks:
            self._schedule(job_queue, task)
        return job_queue

    def _schedule(self, job_queue: "PgQueuer", task: PeriodicTask) -> None:
        @job_queue.schedule(task.name, task.cron, accepts_context=False)
        async def start(_: "Schedule") -> None:
            # It may run past its next time, and the queue waits for running tasks.
            if task.name not in self._running_tasks or self._running_tasks[task.name].done():
                self._running_tasks[task.name] = asyncio.create_task(self._run_task(task))

    async def _run_task(self, task: PeriodicTask) -> None:
        try:
            await task.run()
        except Exception as fault:  # noqa: BLE001  # it must not end the others, and its time comes again
            if not is_outage(fault):
                _log.exception("periodic task failed", task=task.name)

    async def _cancel_tasks(self) -> None:
        """Cancels running tasks and lets them clean up."""
        for task in self._running_tasks.values():
            task.cancel()
        if self._running_tasks:
            await asyncio.wait(self._running_tasks.values(), timeout=_SHUTDOWN_SECONDS)
        self._running_tasks.clear()

    def _start_dispatch(self, queue: DestinationQueue) -> None:
        dispatching = asyncio.create_task(self._drain(queue))
        self._dispatching.add(dispatching)
        dispatching.add_done_callback(self._dispatching.discard)

    async def _drain(self, queue: DestinationQueue) -> None:
        try:
            await self._dispatcher.drain(queue)
        except Exception as fault:  # noqa: BLE001  # one queue must not end the others; the sweep wakes it again
            if not is_outage(fault):
                _log.exception("dispatch failed", destination=queue.destination)

    async def _prune(self) -> None:
        now = self._clock()
        await self._pool.execute("DELETE FROM pgqueuer_log WHERE aggregated AND created < $1", now - _LOG_RETENTION)
        await self._pool.execute("DELETE FROM pgqueuer_statistics WHERE created < $1", now - _STATISTICS_RETENTION)


# Deliveries of one workspace within a tenth of a second share a wake-up. The earliest of each workspace come first, so
# that many of one workspace leave room for those of others.
_WAKE_TIMES: Final = """
    SELECT workspace_id, destinations, at FROM (
        SELECT d.workspace_id, array_agg(DISTINCT d.destination) AS destinations,
               date_bin('100 milliseconds', greatest(d.wake_at, $1), 'epoch') + interval '100 milliseconds' AS at
        FROM deliveries d
        WHERE d.state IN ('scheduled', 'sending') AND d.wake_at <= $2
        GROUP BY 1, 3
    ) moments
    ORDER BY row_number() OVER (PARTITION BY workspace_id ORDER BY at), at LIMIT $3
"""


async def sweep(connection: asyncpg.Connection, now: datetime) -> None:
    """Enqueues wake-ups for all queues with due, overdue or soon-due deliveries."""
    rows = await connection.fetch(_WAKE_TIMES, now, now + LOOKAHEAD, MAX_JOBS)
    wake_times = [
        (DestinationQueue(workspace_id=row["workspace_id"], destination=destination), row["at"])
        for row in rows
        for destination in row["destinations"]
    ]
    await wake_queues(connection, wake_times, now)
