"""Dispatches all due deliveries of a queue: claims, checks, sends and records them, until nothing is due.

No transaction is open during a request to an outside system, nor while messages are rendered. Attempts, transactions
and rendering take slots that workspaces share (`FairShares`): neither many queues nor slow calls or templates of one
workspace delay the deliveries of another.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol, TypeVar

import asyncpg
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from showup import traces
from showup.clock import Clock, wait_until_set
from showup.database.engine import driver_connection, transaction
from showup.database.fault import describe_error, is_outage
from showup.destinations.contract import Destination, Outcome, TryAgain
from showup.dispatch import claims, queue_store
from showup.dispatch.attempt_results import AttemptResult
from showup.dispatch.claims import Claimed
from showup.dispatch.dispatch_cycle import CycleRequest, DispatchCycle, EndedAttempt, log_cycle, run_dispatch_cycle
from showup.dispatch.fair_shares import FairShares
from showup.dispatch.preparation import (
    ConnectedQueue,
    FinalCheck,
    NotConnected,
    PreparedBatch,
    PreparedDelivery,
    ReadyDelivery,
    load_batch,
    render_batch,
    store_batch,
)
from showup.outbox.delivery import DestinationQueue

LINGER: Final = timedelta(seconds=3)
"""If the next delivery is due this soon, the dispatcher waits: a wake-up would cost more."""

# Finished attempts are kept in memory until they are recorded, unless another process claims the deliveries.
_DATABASE_RETRY_FOR: Final = 30.0
_DATABASE_RETRY_PAUSE: Final = 0.5
_IDLE_TIMEOUT: Final = "15s"
_NOT_CONNECTED_PAUSE: Final = timedelta(minutes=1)
# Slow requests do not delay a reminder that falls due meanwhile.
_POLL_SECONDS: Final = 0.25
_GATHER_SECONDS: Final = 0.02
# Each attempt in flight takes one connection at least, and a process may usually have 1,024 open files.
_ATTEMPTS: Final = 256
# Fewer than the engine's connections: attempts need some too, to store what they found or to take tokens.
_TRANSACTIONS: Final = 8
# More than there are processors: a thread waits while the process for an operator's own templates renders. Each takes
# 1 MB for good once it has rendered: with 32, the process grew with each burst of mails.
_RENDERERS: Final = 8

_log = structlog.get_logger()
Result = TypeVar("Result")


class Connections(Protocol):
    """Resolves the destinations of workspaces."""

    async def resolve(self, queue: DestinationQueue) -> ConnectedQueue:
        """Returns the queue's destination by its current connections. Raises NotConnected."""


class Dispatcher:
    """Dispatches queues; each queue has one dispatcher at a time in this process."""

    def __init__(
        self,
        engine: AsyncEngine,
        clock: Clock,
        connections: Connections,
        final_check: FinalCheck,
        jitter: Callable[[], float] = random.random,
        linger: timedelta = LINGER,
    ) -> None:
        """`jitter` (0..1) spreads pauses; the dispatcher waits for deliveries due within `linger`."""
        self._engine = engine
        self._clock = clock
        self._connections = connections
        self._final_check = final_check
        self._jitter = jitter
        self._linger = linger
        self._attempts = FairShares(_ATTEMPTS)
        self._transactions = FairShares(_TRANSACTIONS)
        self._renderings = FairShares(_RENDERERS)
        self._renderers = ThreadPoolExecutor(_RENDERERS, thread_name_prefix="render")
        self._wakeups: dict[DestinationQueue, asyncio.Event] = {}
        self._stopping = False

    def stop(self) -> None:
        """Stops claiming; `drain` returns when the attempts in flight have ended and are recorded."""
        self._stopping = True
        for wakeup in self._wakeups.values():
            wakeup.set()

    async def drain(self, queue: DestinationQueue) -> None:
        """Sends the queue's deliveries until nothing is due soon.

        A running dispatch of the queue runs one more cycle.
        """
        if (wakeup := self._wakeups.get(queue)) is not None:
            wakeup.set()
            return
        wakeup = self._wakeups[queue] = asyncio.Event()
        try:
            in_flight: dict[asyncio.Task[Outcome], Claimed] = {}
            try:
                await self._dispatch(queue, in_flight, wakeup)
            except NotConnected as fault:
                await self._pause_unconnected(queue, str(fault))
            finally:
                for task in in_flight:
                    task.cancel()
        finally:
            del self._wakeups[queue]

    async def _dispatch(
        self, queue: DestinationQueue, in_flight: dict["asyncio.Task[Outcome]", Claimed], wakeup: asyncio.Event
    ) -> None:
        ended: list[EndedAttempt] = []
        connected: ConnectedQueue | None = None
        while True:
            wakeup.clear()
            is_busy = bool(in_flight or ended)
            cycle: DispatchCycle | None = None
            running = len(in_flight)
            slots = 0 if is_busy else await self._take_slot(queue)
            try:
                connected, usable = await self._resolve(queue, connected, busy=is_busy)
                capacity = connected.destination.pace.at_once - running if usable and not self._stopping else 0
                slots += self._attempts.try_take(queue.workspace_id, capacity - slots)
                # With nothing to record and nothing to claim, a cycle would only cost time.
                if slots or ended or not in_flight:
                    linger = None if in_flight else self._linger
                    request = CycleRequest(ended=ended, capacity=min(capacity, slots), linger=linger)
                    cycle = await self._with_the_database(queue, partial(self._run_cycle, connected, request))
                    ended = await self._start_attempts(connected, cycle.claimed, in_flight)
            finally:
                # Each new attempt keeps its slot until it ends.
                self._attempts.give_back(queue.workspace_id, slots - (len(in_flight) - running))
            has_to_wait_for_a_slot = capacity > 0 and not slots
            if ended or (has_to_wait_for_a_slot and not in_flight):
                continue
            if not in_flight and (self._stopping or not await self._wait(cycle.next_at if cycle else None, wakeup)):
                return
            ended = await _first_ended(in_flight, wakeup)

    async def _take_slot(self, queue: DestinationQueue) -> int:
        await self._attempts.take(queue.workspace_id)
        return 1

    async def _with_the_database(self, queue: DestinationQueue, step: Callable[[], Awaitable[Result]]) -> Result:
        """Runs a step that uses the database when the workspace has a slot for it; retries during an outage."""

        async def run() -> Result:
            async with self._transactions.slot(queue.workspace_id):
                return await step()

        return await _retry_while_database_is_away(run)

    async def _resolve(
        self, queue: DestinationQueue, last: ConnectedQueue | None, *, busy: bool
    ) -> tuple[ConnectedQueue, bool]:
        """Returns how the queue is connected now, and whether the connection is usable.

        Attempts in flight over an earlier, usable connection still finish. Raises NotConnected.
        """
        try:
            return await self._with_the_database(queue, partial(self._connections.resolve, queue)), True
        except NotConnected:
            if last is None or not busy:
                raise
            return last, False

    async def _pause_unconnected(self, queue: DestinationQueue, because: str) -> None:
        now = self._clock()
        async with transaction(self._engine) as tx:
            connection = await driver_connection(tx)
            is_change = await queue_store.pause(connection, queue, now + _NOT_CONNECTED_PAUSE, because)
            await claims.expire(connection, queue, now)
        # Log it once, not in every cycle that finds the same problem.
        if is_change:
            _log.warning("destination not connected", destination=queue.destination, because=because)

    async def _run_cycle(self, connected: ConnectedQueue, request: CycleRequest) -> DispatchCycle:
        pace = connected.destination.pace
        async with transaction(self._engine) as tx:
            cycle = await run_dispatch_cycle(
                await _bounded(tx), connected.queue, pace, request, self._clock, self._jitter
            )
        log_cycle(connected.queue.destination, connected.workspace, request.ended, cycle, pace)
        return cycle

    async def _start_attempts(
        self, connected: ConnectedQueue, claimed: Sequence[Claimed], in_flight: dict["asyncio.Task[Outcome]", Claimed]
    ) -> list[EndedAttempt]:
        """Sends the valid deliveries and returns the others as ended."""
        if not claimed:
            return []
        stopped = []
        for one, prepared in zip(claimed, await self._prepare(connected, claimed), strict=True):
            if self._clock() + connected.destination.pace.timeout > one.leased_until:
                # The lease is too short to finish: another process may claim it.
                continue
            if isinstance(prepared, ReadyDelivery):
                attempt = asyncio.create_task(self._attempt(connected.destination, prepared))
                attempt.add_done_callback(lambda _: self._attempts.give_back(connected.queue.workspace_id))
                in_flight[attempt] = one
            else:
                stopped.append(EndedAttempt(claimed=one, result=prepared))
        return stopped

    async def _prepare(self, connected: ConnectedQueue, claimed: Sequence[Claimed]) -> list[PreparedDelivery]:
        queue = connected.queue
        batch = await self._with_the_database(queue, partial(self._load, connected, claimed))
        if not batch.is_rendered:
            async with self._renderings.slot(queue.workspace_id):
                loop = asyncio.get_running_loop()
                await loop.run_in_executor(self._renderers, render_batch, batch, self._final_check, self._clock)
            await self._with_the_database(queue, partial(self._store, batch))
        return batch.prepared()

    async def _load(self, connected: ConnectedQueue, claimed: Sequence[Claimed]) -> PreparedBatch:
        async with transaction(self._engine) as tx:
            return await load_batch(await _bounded(tx), self._final_check, connected, claimed, self._clock())

    async def _store(self, batch: PreparedBatch) -> None:
        async with transaction(self._engine) as tx:
            await store_batch(await _bounded(tx), batch, self._clock())

    async def _attempt(self, destination: Destination, ready: ReadyDelivery) -> Outcome:
        timeout = destination.pace.timeout.total_seconds()
        # An attempt is a task of its own, so these values are on each line that its destination logs, and on no other.
        structlog.contextvars.bind_contextvars(**ready.claimed.log_values)
        try:
            async with asyncio.timeout(timeout):
                with traces.span("deliver", **ready.claimed.log_values):
                    outcome = await destination.send(ready.attempt)
                    traces.annotate(kind=ready.claimed.kind, attempt=ready.attempt.number, outcome=_name_of(outcome))
                    return outcome
        except TimeoutError:
            return TryAgain(because=f"no response within {timeout:.0f} s", fault="destination")
        except Exception as fault:  # noqa: BLE001  # a bug of one destination must not hold up the others
            _log.exception("destination raised an unexpected exception")
            return TryAgain(because=f"an unexpected error occurred while sending ({type(fault).__name__}): see the log")

    async def _wait(self, until: datetime | None, wakeup: asyncio.Event) -> bool:
        """Waits for a delivery that is due soon; returns False if there is none."""
        if wakeup.is_set():
            return True
        if until is None or until > self._clock() + self._linger:
            return False
        await wait_until_set(wakeup, max(0.0, (until - self._clock()).total_seconds()))
        return True


def _name_of(outcome: Outcome) -> str:
    return type(outcome).__name__


async def _bounded(tx: AsyncConnection) -> asyncpg.Connection:
    """Returns the driver's connection with a transaction timeout: other processes wait for its locks."""
    connection = await driver_connection(tx)
    await connection.execute("SELECT set_config('idle_in_transaction_session_timeout', $1, true)", _IDLE_TIMEOUT)
    return connection


async def _first_ended(in_flight: dict["asyncio.Task[Outcome]", Claimed], wakeup: asyncio.Event) -> list[EndedAttempt]:
    """Waits until an attempt ends or a wake-up arrives, and removes ended attempts from those in flight."""
    if not in_flight:
        return []
    wakeup_wait = asyncio.create_task(wakeup.wait())
    try:
        await asyncio.wait([*in_flight, wakeup_wait], timeout=_POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        # Attempts that were sent together end together, and are recorded together.
        await asyncio.wait(in_flight, timeout=_GATHER_SECONDS)
    finally:
        wakeup_wait.cancel()
    done: list[tuple[Claimed, AttemptResult]] = [
        (in_flight.pop(task), task.result()) for task in list(in_flight) if task.done()
    ]
    return [EndedAttempt(claimed=claimed, result=result) for claimed, result in done]


async def _retry_while_database_is_away(step: Callable[[], Awaitable[Result]]) -> Result:
    """Retries while the database is unavailable: outcomes of sent deliveries must not be lost."""
    deadline = asyncio.get_running_loop().time() + _DATABASE_RETRY_FOR
    while True:
        try:
            return await step()
        except Exception as fault:
            if not is_outage(fault) or asyncio.get_running_loop().time() > deadline:
                raise
            _log.warning("database unavailable: attempt not recorded yet", fault=describe_error(fault))
        await asyncio.sleep(_DATABASE_RETRY_PAUSE)
