"""Group commit: whatever waits goes into one INSERT and one commit, and each request is answered when its own is done.

One writer a process takes the cost of the disk once for many webhooks. It never waits for more to come: under load the
next group gathers while the last one is being written.
"""

import asyncio
from collections import deque
from typing import Final

import asyncpg
import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.fault import shown
from showup.inbox import store
from showup.inbox.raw_event import Incoming, Kept

# Larger groups gain nothing and make everybody in them wait longer.
GROUP: Final = 100
# What waits beyond this is refused at once, so that a database that is away costs no memory.
MOST_WAITING: Final = 2_000
MOST_BYTES_WAITING: Final = 64 * 1024 * 1024
# Cal.com is answered within 500 ms; what is not committed by now is answered 503 and comes again (IN3).
IN_TIME_FOR: Final = 0.4
# A connection that answers no group in this time is given up for a new one: the other end may be long gone.
_WRITTEN_WITHIN: Final = 3.0
# A database that is away is asked again after this many seconds.
_RETRY_AFTER: Final = 0.2

_log = structlog.get_logger()

_AWAY = (OSError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError)


class NotKept(Exception):
    """The database could not commit in time; the sender should try again. A commit that comes late is deduplicated."""


class Keeper:
    """Keeps raw events, many at once. `run` must be running for `keep` to return."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._waiting: deque[tuple[Incoming, asyncio.Future[Kept]]] = deque()
        self._some = asyncio.Event()
        self.bytes_waiting = 0

    async def keep(self, incoming: Incoming) -> Kept:
        """Returns once the event is durable; raises `NotKept` when that can't be in time."""
        if len(self._waiting) >= MOST_WAITING or self.bytes_waiting + len(incoming.body) > MOST_BYTES_WAITING:
            raise NotKept
        answer: asyncio.Future[Kept] = asyncio.get_running_loop().create_future()
        self._waiting.append((incoming, answer))
        self.bytes_waiting += len(incoming.body)
        self._some.set()
        try:
            async with asyncio.timeout(IN_TIME_FOR):
                return await answer
        except TimeoutError:
            raise NotKept from None

    async def run(self) -> None:
        """Writes groups until it is cancelled; a database that is away fails the group and is asked again."""
        while True:
            await self._some.wait()
            try:
                await self._write_while_connected()
            except _AWAY as fault:
                _log.warning("the database can't keep webhooks", fault=shown(fault), waiting=len(self._waiting))
                await asyncio.sleep(_RETRY_AFTER)
                self._drop_those_who_left()

    async def _write_while_connected(self) -> None:
        async with self._engine.connect() as held:
            # SQLAlchemy begins nothing of its own here: each group is a transaction of the driver's.
            connection = await held.execution_options(isolation_level="AUTOCOMMIT")
            driver = (await connection.get_raw_connection()).driver_connection
            assert isinstance(driver, asyncpg.Connection), "the engine runs on asyncpg"
            try:
                while True:
                    await self._some.wait()
                    await self._write(driver)
            except BaseException:
                await held.invalidate()
                raise

    async def _write(self, driver: asyncpg.Connection) -> None:
        self._drop_those_who_left()
        group = [self._waiting.popleft() for _ in range(min(GROUP, len(self._waiting)))]
        self.bytes_waiting -= sum(len(incoming.body) for incoming, _ in group)
        if not self._waiting:
            self._some.clear()
        if not group:
            return
        try:
            # One transaction even for a single statement: behind a pooler, what prepares it must be what runs it.
            async with asyncio.timeout(_WRITTEN_WITHIN), driver.transaction():
                kept = await store.keep_all(driver, [incoming for incoming, _ in group])
        except BaseException:
            # Whether it was committed is unknown, and nobody may be told that it was.
            for _, answer in group:
                if not answer.done():
                    answer.set_exception(NotKept())
            raise
        for (_, answer), one in zip(group, kept, strict=True):
            if not answer.done():
                answer.set_result(one)

    def _drop_those_who_left(self) -> None:
        """Requests that were answered 503 meanwhile come again; writing them now would only make duplicates."""
        self._waiting = deque(one for one in self._waiting if not one[1].done())
        self.bytes_waiting = sum(len(incoming.body) for incoming, _ in self._waiting)
        if not self._waiting:
            self._some.clear()
