"""Group commit: whatever waits goes into one INSERT and one commit, and each request is answered when its own is done.

One writer a process takes the cost of the disk once for many webhooks. It never waits for more to come: under load the
next group gathers while the last one is being written.
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

from showup.database.fault import MAY_MEAN_AWAY, shown
from showup.inbox import store
from showup.inbox.door_metrics import DoorMetrics
from showup.inbox.raw_event import Incoming, Kept

# Larger groups gain nothing and make everybody in them wait longer.
GROUP: Final = 100
# What waits beyond this is refused at once, so that a database that is away costs no memory.
MOST_WAITING: Final = 2_000
MOST_BYTES_WAITING: Final = 64 * 1024 * 1024
# Cal.com is answered within 500 ms; what is not committed by now is answered 503 and comes again (IN3).
IN_TIME_FOR: Final = 0.4
# One timer for all: those whose time is up within this span are told together, none of them late.
_TOLD_TOGETHER: Final = 0.005
# A connection that answers no group in this time is given up for a new one: the other end may be long gone.
_WRITTEN_WITHIN: Final = 3.0
# A database that is away is asked again after this many seconds.
_RETRY_AFTER: Final = 0.2

_log = structlog.get_logger()


class NotKept(Exception):
    """The database could not commit in time; the sender should try again. A commit that comes late is deduplicated."""


class _Waiting(Struct, frozen=True, eq=False):
    incoming: Incoming
    answer: asyncio.Future[Kept]
    until: float


class Keeper:
    """Keeps raw events, many at once. `run` must be running for what `keep` answers to come."""

    def __init__(self, engine: AsyncEngine, metrics: DoorMetrics | None = None) -> None:
        self._engine = engine
        self._metrics = metrics
        self._waiting: deque[_Waiting] = deque()
        self._on_its_way: list[_Waiting] = []
        self._some = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self.bytes_waiting = 0

    def keep(self, incoming: Incoming) -> asyncio.Future[Kept]:
        """To be awaited: done once the event is durable; raises `NotKept` when that can't be in time."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Kept] = loop.create_future()
        size = len(incoming.body)
        if len(self._waiting) >= MOST_WAITING or self.bytes_waiting + size > MOST_BYTES_WAITING:
            answer.set_exception(NotKept())
            return answer
        until = loop.time() + IN_TIME_FOR
        self._waiting.append(_Waiting(incoming, answer, until))
        self.bytes_waiting += size
        self._some.set()
        if self._timer is None:
            self._timer = loop.call_at(until, self._give_up_the_late)
        return answer

    async def run(self) -> None:
        """Writes groups until it is cancelled; a database that is away fails the group and is asked again."""
        while True:
            await self._some.wait()
            try:
                await self._write_while_connected()
            except (SQLAlchemyError, *MAY_MEAN_AWAY) as fault:
                _log.warning("the database can't keep webhooks", fault=shown(fault), waiting=len(self._waiting))
                await asyncio.sleep(_RETRY_AFTER)

    async def _write_while_connected(self) -> None:
        async with self._engine.connect() as held:
            # SQLAlchemy begins nothing of its own here: each group is a transaction of the driver's.
            connection = await held.execution_options(isolation_level="AUTOCOMMIT")
            driver = (await connection.get_raw_connection()).driver_connection
            assert isinstance(driver, asyncpg.Connection), "the engine runs on asyncpg"
            try:
                while True:
                    await self._some.wait()
                    if group := self._next_group():
                        await self._write(driver, group)
            except BaseException:
                await held.invalidate()
                raise

    def _next_group(self) -> list[_Waiting]:
        """The oldest of those that still wait; who was answered 503 comes again, and would only be a duplicate."""
        group: list[_Waiting] = []
        while self._waiting and len(group) < GROUP:
            one = self._waiting.popleft()
            self.bytes_waiting -= len(one.incoming.body)
            if not one.answer.done():
                group.append(one)
        if not self._waiting:
            self._some.clear()
        return group

    async def _write(self, driver: asyncpg.Connection, group: list[_Waiting]) -> None:
        self._on_its_way = group
        began = asyncio.get_running_loop().time()
        try:
            # One transaction even for a single statement: behind a pooler, what prepares it must be what runs it.
            async with asyncio.timeout(_WRITTEN_WITHIN), driver.transaction():
                kept = await store.keep_all(driver, [one.incoming for one in group])
        except BaseException:
            # Whether it was committed is unknown, and nobody may be told that it was.
            for one in group:
                _refuse(one)
            raise
        finally:
            self._on_its_way = []
        for one, done in zip(group, kept, strict=True):
            if not one.answer.done():
                one.answer.set_result(done)
        if self._metrics is not None:
            duplicates = sum(done.duplicate_of is not None for done in kept)
            seconds = asyncio.get_running_loop().time() - began
            self._metrics.kept(len(kept) - duplicates, duplicates, seconds, len(self._waiting))

    def _give_up_the_late(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for one in chain(self._waiting, self._on_its_way):
            if one.until <= now + _TOLD_TOGETHER:
                _refuse(one)
        # Their bodies would be held until the database is back.
        self._waiting = deque(one for one in self._waiting if not one.answer.done())
        self.bytes_waiting = sum(len(one.incoming.body) for one in self._waiting)
        left = (one.until for one in chain(self._waiting, self._on_its_way) if not one.answer.done())
        oldest = min(left, default=None)
        self._timer = None if oldest is None else loop.call_at(oldest, self._give_up_the_late)


def _refuse(one: _Waiting) -> None:
    if not one.answer.done():
        one.answer.set_exception(NotKept())
