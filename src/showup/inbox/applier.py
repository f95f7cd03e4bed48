"""The worker that applies: it listens for what was kept, and looks by itself once a second in case it missed a call."""

import asyncio
from collections.abc import Awaitable
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import Clock
from showup.database.engine import raw, transaction
from showup.database.fault import is_away, shown
from showup.inbox import store
from showup.inbox.apply import apply_some
from showup.inbox.feedback_store import look_again
from showup.inbox.sorting import sort_some

_LOOKS_EVERY: Final = 1.0

_log = structlog.get_logger()


class Applier:
    """Applies the unsettled events of all workspaces, each in its own transactions."""

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._called = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop`; a database that is away is asked again every second."""
        listener = asyncio.create_task(self._listen())
        try:
            while not stop.is_set():
                self._called.clear()
                if not await self._worked(self.drain_once()):
                    await _either(self._called, stop, _LOOKS_EVERY)
        finally:
            listener.cancel()
            await asyncio.gather(listener, return_exceptions=True)

    async def drain(self) -> int:
        """Applies until nothing is left that can be applied now; how many events were looked at."""
        total = 0
        while worked := await self.drain_once():
            total += worked
        return total

    async def drain_once(self) -> int:
        """One batch of every workspace that has something to do; what fails for one is no matter of the others."""
        worked = await self._worked(sort_some(self._engine, self._clock))
        await self._worked(self._look_again())
        for workspace_id in await self._busy():
            worked += await self._worked(apply_some(self._engine, workspace_id, self._clock))
        return worked

    async def _worked(self, step: Awaitable[int]) -> int:
        try:
            return await step
        except Exception as fault:
            if not is_away(fault):
                raise
            _log.warning("the database can't be worked with", fault=shown(fault))
            return 0

    async def _look_again(self) -> int:
        async with transaction(self._engine) as tx:
            return await look_again(await raw(tx), self._clock())

    async def _busy(self) -> list[UUID]:
        async with transaction(self._engine) as tx:
            return await store.busy_workspaces(await raw(tx), self._clock())

    async def _listen(self) -> None:
        """Holds a connection that is called when something was kept, and another one when that is lost."""
        while True:
            try:
                await self._listen_while_connected()
            except Exception as fault:
                if not is_away(fault):
                    raise
                _log.debug("the applier can't listen, and looks by itself", fault=shown(fault))
            await asyncio.sleep(_LOOKS_EVERY)

    async def _listen_while_connected(self) -> None:
        lost = asyncio.Event()
        async with self._engine.connect() as held:
            driver = await raw(held)
            driver.add_termination_listener(lambda _: lost.set())
            await driver.add_listener(store.CHANNEL, lambda *_: self._called.set())
            await held.commit()
            await lost.wait()


async def _either(one: asyncio.Event, other: asyncio.Event, seconds: float) -> None:
    waits = [asyncio.create_task(event.wait()) for event in (one, other)]
    await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
