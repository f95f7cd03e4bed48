"""The projection worker: it listens for stored events, and polls once a second in case it missed a notification.

It applies batches of several workspaces at the same time, so that a long batch of one delays no other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import Clock
from showup.database.engine import driver_connection, transaction
from showup.database.fault import describe_error, is_outage
from showup.database.listener import listen, pooled_listener
from showup.inbox import store
from showup.inbox.apply import EventHandlers, apply_pending
from showup.inbox.screen import Screen
from showup.inbox.workspace_router import route_pending

_POLL_INTERVAL: Final = 1.0
# Fewer than the engine's connections.
_BATCHES_AT_ONCE: Final = 4
# While batches are applied, each stored event sends a notification, and a look for other work takes three transactions.
_SECONDS_BETWEEN_LOOKS: Final = 0.1

Requeue: TypeAlias = Callable[[asyncpg.Connection, datetime], Awaitable[int]]

_log = structlog.get_logger()


class ProjectionWorker:
    """Applies the unprocessed events of all workspaces, each in its own transactions.

    `handlers` apply the events that the projection does not handle. `requeue` passes events whose subject has become
    known to the projector again; it returns how many. `screen` redacts what is about people who were erased.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        clock: Clock,
        handlers: EventHandlers,
        requeue: Requeue,
        *,
        screen: Screen | None = None,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._handlers = handlers
        self._requeue = requeue
        self._screen = screen
        self._wakeup = asyncio.Event()
        # When each workspace's last batch began: the one that has waited longest is next.
        self._started_at: dict[UUID, float] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop`, and finishes the batches in progress; retries every second during a database outage."""
        # What was stored while nobody listened is found by polling.
        listening = listen(pooled_listener(self._engine), store.CHANNEL, lambda _: self._wakeup.set())
        listener = asyncio.create_task(listening)
        batches: dict[UUID, asyncio.Task[int]] = {}
        try:
            while not stop.is_set():
                self._wakeup.clear()
                processed = await self._run_step(route_pending(self._engine, self._clock))
                await self._start_batches(batches)
                # It seldom finds anything, and no batch waits for it; what it finds is looked for at once.
                processed += await self._run_step(self._requeue_waiting())
                if batches:
                    await _wait_for_any((stop,), batches.values(), _SECONDS_BETWEEN_LOOKS)
                    finished = _take_finished(batches)
                    processed += sum(finished)
                    if finished and not processed:
                        # Another process applies these events, or they fail: an immediate look would find the same.
                        await _wait_for_any((stop,), (), _SECONDS_BETWEEN_LOOKS)
                if not processed and not batches:
                    await _wait_for_any((self._wakeup, stop), (), _POLL_INTERVAL)
            await asyncio.gather(*batches.values())
        finally:
            tasks = [listener, *batches.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def drain(self) -> int:
        """Applies events until none is due; returns how many it processed."""
        total = 0
        while processed := await self.drain_once():
            total += processed
        return total

    async def drain_once(self) -> int:
        """Applies one batch of every workspace that has events due; a failure in one does not affect the others."""
        processed = await self._route()
        for workspace_id in await self._busy_workspaces():
            processed += await self._apply(workspace_id)
        return processed

    async def _route(self) -> int:
        processed = await self._run_step(route_pending(self._engine, self._clock))
        await self._run_step(self._requeue_waiting())
        return processed

    async def _start_batches(self, batches: dict[UUID, asyncio.Task[int]]) -> None:
        """Starts a batch of each workspace that has events due and none in progress, as far as there is room."""
        waiting = [one for one in await self._find_busy_workspaces() if one not in batches]
        waiting.sort(key=lambda workspace_id: self._started_at.get(workspace_id, 0))
        for workspace_id in waiting[: _BATCHES_AT_ONCE - len(batches)]:
            self._started_at[workspace_id] = asyncio.get_running_loop().time()
            batches[workspace_id] = asyncio.create_task(self._apply(workspace_id))

    async def _apply(self, workspace_id: UUID) -> int:
        return await self._run_step(
            apply_pending(self._engine, workspace_id, self._clock, self._handlers, self._screen)
        )

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

    async def _find_busy_workspaces(self) -> list[UUID]:
        """Returns the workspaces that have events due; none during a database outage."""
        try:
            return await self._busy_workspaces()
        except Exception as fault:
            if not is_outage(fault):
                raise
            _log.warning("database unavailable", fault=describe_error(fault))
            return []


async def _wait_for_any(events: Iterable[asyncio.Event], batches: Iterable[asyncio.Task[int]], seconds: float) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait([*waits, *batches], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()


def _take_finished(batches: dict[UUID, asyncio.Task[int]]) -> list[int]:
    """Removes finished batches; returns how many events each processed, and raises the exception of a failed one."""
    finished = [workspace_id for workspace_id, batch in batches.items() if batch.done()]
    return [batches.pop(workspace_id).result() for workspace_id in finished]
