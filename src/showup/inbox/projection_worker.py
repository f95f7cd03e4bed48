"""The projection worker: it listens for stored events, and polls once a second in case it missed a notification."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import Clock
from showup.database.engine import driver_connection, transaction
from showup.database.fault import describe_error, is_outage
from showup.inbox import store
from showup.inbox.apply import EventHandlers, apply_pending
from showup.inbox.workspace_router import route_pending

_POLL_INTERVAL: Final = 1.0

Requeue: TypeAlias = Callable[[asyncpg.Connection, datetime], Awaitable[int]]

_log = structlog.get_logger()


class ProjectionWorker:
    """Applies the unprocessed events of all workspaces, each in its own transactions.

    `handlers` apply the events that the projection does not handle. `requeue` passes events whose subject has become
    known to the projector again; it returns how many.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock, handlers: EventHandlers, requeue: Requeue) -> None:
        self._engine = engine
        self._clock = clock
        self._handlers = handlers
        self._requeue = requeue
        self._wakeup = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop`; retries every second during a database outage."""
        listener = asyncio.create_task(self._listen())
        try:
            while not stop.is_set():
                self._wakeup.clear()
                if not await self._run_step(self.drain_once()):
                    await _wait_for_either(self._wakeup, stop, _POLL_INTERVAL)
        finally:
            listener.cancel()
            await asyncio.gather(listener, return_exceptions=True)

    async def drain(self) -> int:
        """Applies events until none is due; returns how many it processed."""
        total = 0
        while processed := await self.drain_once():
            total += processed
        return total

    async def drain_once(self) -> int:
        """Applies one batch of every workspace that has events due; a failure in one does not affect the others."""
        processed = await self._run_step(route_pending(self._engine, self._clock))
        await self._run_step(self._requeue_waiting())
        for workspace_id in await self._busy_workspaces():
            processed += await self._run_step(apply_pending(self._engine, workspace_id, self._clock, self._handlers))
        return processed

    async def _run_step(self, step: Awaitable[int]) -> int:
        try:
            return await step
        except Exception as fault:
            if not is_outage(fault):
                raise
            _log.warning("database unavailable", fault=describe_error(fault))
            return 0

    async def _requeue_waiting(self) -> int:
        async with transaction(self._engine) as tx:
            return await self._requeue(await driver_connection(tx), self._clock())

    async def _busy_workspaces(self) -> list[UUID]:
        async with transaction(self._engine) as tx:
            return await store.busy_workspaces(await driver_connection(tx), self._clock())

    async def _listen(self) -> None:
        """Keeps a connection that listens for stored events, and replaces it when it is lost."""
        while True:
            try:
                await self._listen_while_connected()
            except Exception as fault:
                if not is_outage(fault):
                    raise
                _log.debug("LISTEN failed: polling instead", fault=describe_error(fault))
            await asyncio.sleep(_POLL_INTERVAL)

    async def _listen_while_connected(self) -> None:
        lost = asyncio.Event()
        async with self._engine.connect() as connection:
            driver = await driver_connection(connection)
            driver.add_termination_listener(lambda _: lost.set())
            await driver.add_listener(store.CHANNEL, lambda *_: self._wakeup.set())
            await connection.commit()
            await lost.wait()


async def _wait_for_either(first: asyncio.Event, second: asyncio.Event, seconds: float) -> None:
    tasks = [asyncio.create_task(event.wait()) for event in (first, second)]
    await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
