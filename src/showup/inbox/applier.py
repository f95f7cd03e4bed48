"""The worker that applies: it listens for what was kept, and looks by itself once a second in case it missed a call."""

import asyncio
from typing import Final
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import Clock
from showup.database.engine import raw, transaction
from showup.inbox import store
from showup.inbox.apply import apply_some
from showup.inbox.sorting import sort_some

_LOOKS_EVERY: Final = 1.0
_AWAY = (OSError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError)

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
                try:
                    worked = await self.drain_once()
                except _AWAY as fault:
                    _log.warning("the database can't be worked with", fault=str(fault)[:200])
                    worked = 0
                if not worked:
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
        """One batch of every workspace that has something to do."""
        worked = await sort_some(self._engine)
        for workspace_id in await self._busy():
            worked += await apply_some(self._engine, workspace_id, self._clock)
        return worked

    async def _busy(self) -> list[UUID]:
        async with transaction(self._engine) as tx:
            return await store.busy_workspaces(await raw(tx), self._clock())

    async def _listen(self) -> None:
        """Holds a connection that is called when something was kept, and another one when that is lost."""
        while True:
            try:
                await self._listen_while_connected()
            except _AWAY:
                _log.debug("the applier can't listen, and looks by itself")
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
