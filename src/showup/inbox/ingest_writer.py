"""Store webhooks before the response: one INSERT and one commit for all that wait (group commit).

One writer per process pays the cost of the disk once for many webhooks. It never waits for more events: under load, the
next group collects while the last one is being written.
"""

import asyncio
from collections import deque
from itertools import chain
from typing import Final

import asyncpg
import structlog
from msgspec import Struct
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.fault import POSSIBLE_OUTAGES, describe_error
from showup.inbox import store
from showup.inbox.inbox_event import IncomingEvent, Stored
from showup.inbox.ingest_metrics import IngestMetrics
from showup.logs import log_events

# Larger groups gain nothing, and make all their requests wait longer.
GROUP_SIZE: Final = 100
# Events beyond this limit are refused at once, so that a database outage does not fill the memory.
MAX_PENDING: Final = 2_000
MAX_PENDING_BYTES: Final = 64 * 1024 * 1024
# Cal.com must get an answer within 500 ms. After this timeout, Showup answers 503 for an uncommitted event, and Cal.com
# sends it again (IN3).
STORE_TIMEOUT: Final = 0.4
# One timer for all: requests whose time ends within this span are answered together, and none of them late.
_TIMER_SLACK: Final = 0.005
# A connection that completes no group in this time is replaced: the server may no longer be there.
_WRITE_TIMEOUT: Final = 3.0
# After a database outage, the writer tries again after this many seconds.
_RETRY_DELAY: Final = 0.2

_log = structlog.get_logger()


class NotStored(Exception):
    """The database could not commit in time; the sender should retry. A late commit is deduplicated."""


class _PendingWrite(Struct, frozen=True, eq=False):
    incoming: IncomingEvent
    result: asyncio.Future[Stored]
    deadline: float


class IngestWriter:
    """Stores inbox events, many at once. The futures of `store` resolve only while `run` is running."""

    def __init__(self, engine: AsyncEngine, metrics: IngestMetrics | None = None) -> None:
        self._engine = engine
        self._metrics = metrics
        self._pending: deque[_PendingWrite] = deque()
        self._in_flight: list[_PendingWrite] = []
        self._has_pending = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self.pending_bytes = 0

    def store(self, incoming: IncomingEvent) -> asyncio.Future[Stored]:
        """Returns a future that is done once the event is durable, or raises `NotStored` when that can't be in time."""
        loop = asyncio.get_running_loop()
        result: asyncio.Future[Stored] = loop.create_future()
        size = len(incoming.body)
        if len(self._pending) >= MAX_PENDING or self.pending_bytes + size > MAX_PENDING_BYTES:
            result.set_exception(NotStored())
            return result
        deadline = loop.time() + STORE_TIMEOUT
        self._pending.append(_PendingWrite(incoming, result, deadline))
        self.pending_bytes += size
        self._has_pending.set()
        if self._timer is None:
            self._timer = loop.call_at(deadline, self._refuse_expired)
        return result

    async def run(self) -> None:
        """Writes groups until it is cancelled; a database outage fails the group, and the writer reconnects."""
        while True:
            await self._has_pending.wait()
            try:
                await self._write_while_connected()
            except (SQLAlchemyError, *POSSIBLE_OUTAGES) as fault:
                _log.warning("webhooks could not be stored", fault=describe_error(fault), waiting=len(self._pending))
                await asyncio.sleep(_RETRY_DELAY)

    async def _write_while_connected(self) -> None:
        async with self._engine.connect() as engine_connection:
            # SQLAlchemy begins no transaction here: each group is a transaction of the driver's own.
            connection = await engine_connection.execution_options(isolation_level="AUTOCOMMIT")
            driver = (await connection.get_raw_connection()).driver_connection
            assert isinstance(driver, asyncpg.Connection), "the engine uses asyncpg"
            try:
                while True:
                    await self._has_pending.wait()
                    if group := self._next_group():
                        await self._write(driver, group)
            except BaseException:
                await engine_connection.invalidate()
                raise

    def _next_group(self) -> list[_PendingWrite]:
        """Returns the oldest events that still wait; skips those already answered 503.

        Cal.com sends those again, so writing them now would only add duplicates.
        """
        group: list[_PendingWrite] = []
        while self._pending and len(group) < GROUP_SIZE:
            pending = self._pending.popleft()
            self.pending_bytes -= len(pending.incoming.body)
            if not pending.result.done():
                group.append(pending)
        if not self._pending:
            self._has_pending.clear()
        return group

    async def _write(self, driver: asyncpg.Connection, group: list[_PendingWrite]) -> None:
        self._in_flight = group
        started_at = asyncio.get_running_loop().time()
        try:
            # One transaction even for a single statement: behind a pooler, the statement must run on the connection
            # that prepared it.
            async with asyncio.timeout(_WRITE_TIMEOUT), driver.transaction():
                stored = await store.insert_events(driver, [pending.incoming for pending in group])
        except BaseException:
            # It is unknown whether the group was committed, so no request may get a confirmation.
            for pending in group:
                _refuse(pending)
            raise
        finally:
            self._in_flight = []
        log_events(_log, "webhooks received", [stored_event.id for stored_event in stored])
        for pending, stored_event in zip(group, stored, strict=True):
            if not pending.result.done():
                pending.result.set_result(stored_event)
        if self._metrics is not None:
            duplicates = sum(stored_event.duplicate_of is not None for stored_event in stored)
            seconds = asyncio.get_running_loop().time() - started_at
            self._metrics.record_stored(len(stored) - duplicates, duplicates, seconds, len(self._pending))

    def _refuse_expired(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for pending in chain(self._pending, self._in_flight):
            if pending.deadline <= now + _TIMER_SLACK:
                _refuse(pending)
        # Otherwise their bodies would stay in memory until the database is back.
        self._pending = deque(pending for pending in self._pending if not pending.result.done())
        self.pending_bytes = sum(len(pending.incoming.body) for pending in self._pending)
        deadlines = (pending.deadline for pending in chain(self._pending, self._in_flight) if not pending.result.done())
        oldest = min(deadlines, default=None)
        self._timer = None if oldest is None else loop.call_at(oldest, self._refuse_expired)


def _refuse(pending: _PendingWrite) -> None:
    if not pending.result.done():
        pending.result.set_exception(NotStored())
