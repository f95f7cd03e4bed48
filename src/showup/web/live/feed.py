"""The feed of changes: one LISTEN for a process, one query for a change, whatever the number of open pages (CA7)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg
import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import driver_connection
from showup.database.fault import describe_error, is_outage
from showup.database.page_changes import CHANNEL, DELIVERY_CHANGED, RECORDS_CHANGED, parse_change
from showup.reads.live import ChangedRecords, list_changes

ListenConnection: TypeAlias = Callable[[], Awaitable[asyncpg.Connection]]

# Changes within this time become one message; the last one is never lost.
_GATHERED_FOR: Final = 0.1
_RETRY_AFTER: Final = 1.0
# A page that reads more slowly is disconnected, and resumes where it was.
_MAX_WAITING: Final = 64

_log = structlog.get_logger()


class LiveMessage(Struct, frozen=True, kw_only=True):
    """What open pages receive: `changes`, or that the database is away (`is_connected` False) or back (True)."""

    changes: ChangedRecords | None = None
    is_connected: bool | None = None


class LiveFeed:
    """The open pages of one process, by workspace. It listens only while there is one.

    `connect` opens the connection that listens: not through a pooler, and none of the pool. By default one of the pool.
    """

    def __init__(self, engine: AsyncEngine, connect: ListenConnection | None = None) -> None:
        self._engine = engine
        self._connect = connect
        self._channels: dict[UUID, _Channel] = {}
        self._listener: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()
        self._is_closed = False

    @asynccontextmanager
    async def subscribe(
        self, workspace_id: UUID, since: int | None, *, is_resumed: bool
    ) -> "AsyncIterator[asyncio.Queue[LiveMessage | None]]":
        """Yield the messages of a workspace after the change of number `since`; None ends them: the page is too slow.

        The first message comes at once, so that the page knows that it is live. Changes of deliveries have no number:
        they are repeated when a page resumes.
        """
        queue: asyncio.Queue[LiveMessage | None] = asyncio.Queue(_MAX_WAITING)
        channel = self._channels.get(workspace_id)
        if channel is None:
            channel = self._channels[workspace_id] = _Channel(self._engine, workspace_id)
        channel.queues.add(queue)
        if self._listener is None:
            self._listener = asyncio.create_task(self._listen())
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(_RETRY_AFTER):
                    await self._listening.wait()
            # Read only while listening: a change between the two would be lost.
            queue.put_nowait(await channel.catch_up(since, is_resumed=is_resumed))
            if self._is_closed:
                _end(queue)
            yield queue
        finally:
            channel.queues.discard(queue)
            self._release(channel)

    def _release(self, channel: "_Channel") -> None:
        """Stop what no open page needs any more."""
        if not channel.queues and self._channels.get(channel.workspace_id) is channel:
            del self._channels[channel.workspace_id]
            channel.close()
        if not self._channels and self._listener is not None:
            self._listener.cancel()
            self._listener = None
            self._listening.clear()

    def close(self) -> None:
        """End all streams, and those that begin later: the process stops."""
        self._is_closed = True
        for channel in self._channels.values():
            for queue in channel.queues:
                _end(queue)

    async def _listen(self) -> None:
        """Keep a connection that listens, and replace it when it is lost."""
        while True:
            try:
                await self._listen_while_connected()
            except Exception as fault:
                if not is_outage(fault):
                    raise
                _log.debug("pages: LISTEN failed", fault=describe_error(fault))
            if self._listening.is_set():
                self._listening.clear()
                self._send_to_all(LiveMessage(is_connected=False))
            await asyncio.sleep(_RETRY_AFTER)

    async def _listen_while_connected(self) -> None:
        lost = asyncio.Event()
        async with self._open() as connection:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANNEL, self._receive)
            self._listening.set()
            self._send_to_all(LiveMessage(is_connected=True))
            # What was missed meanwhile; a page that only begins reads for itself.
            for channel in self._channels.values():
                if channel.has_begun:
                    channel.wake(DELIVERY_CHANGED)
                    channel.wake(RECORDS_CHANGED)
            await lost.wait()

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[asyncpg.Connection]:
        if self._connect is None:
            async with self._engine.connect() as tx:
                connection = await driver_connection(tx)
                # LISTEN begins with the end of its transaction.
                await tx.commit()
                try:
                    yield connection
                finally:
                    # It still listens, so the pool must not lend it again.
                    await tx.invalidate()
            return
        connection = await self._connect()
        try:
            yield connection
        finally:
            connection.terminate()

    def _receive(self, _connection: object, _pid: int, _channel: str, payload: str) -> None:
        workspace_id, what = parse_change(payload)
        channel = self._channels.get(workspace_id)
        if channel is not None:
            channel.wake(what)

    def _send_to_all(self, message: LiveMessage) -> None:
        for channel in self._channels.values():
            channel.send(message)


class _Channel:
    """The open pages of one workspace."""

    def __init__(self, engine: AsyncEngine, workspace_id: UUID) -> None:
        self.queues: set[asyncio.Queue[LiveMessage | None]] = set()
        self._engine = engine
        self.workspace_id = workspace_id
        self._number: int | None = None
        self._changed: set[str] = set()
        self._wakeup = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    @property
    def has_begun(self) -> bool:
        return self._number is not None

    def close(self) -> None:
        self._reader.cancel()

    def wake(self, what: str) -> None:
        self._changed.add(what)
        self._wakeup.set()

    def send(self, message: LiveMessage) -> None:
        for queue in list(self.queues):
            try:
                queue.put_nowait(message)
            except asyncio.QueueFull:
                self.queues.discard(queue)
                _end(queue)

    async def catch_up(self, since: int | None, *, is_resumed: bool) -> LiveMessage:
        """Return what changed since then, for one page."""
        try:
            changes = await self._changes_after(since, {DELIVERY_CHANGED} if is_resumed else set())
        except Exception as fault:
            if not is_outage(fault):
                raise
            return LiveMessage(is_connected=False)
        if self._number is None:
            self._number = changes.number
        return LiveMessage(changes=changes, is_connected=True)

    async def _read(self) -> None:
        while True:
            await self._wakeup.wait()
            await asyncio.sleep(_GATHERED_FOR)
            self._wakeup.clear()
            changed, self._changed = self._changed, set()
            try:
                changes = await self._changes_after(self._number, changed)
            except Exception as fault:
                if not is_outage(fault):
                    raise
                _log.debug("pages: changes can't be read", fault=describe_error(fault))
                await asyncio.sleep(_RETRY_AFTER)
                self._changed |= changed
                self._wakeup.set()
                continue
            self._number = changes.number
            self.send(LiveMessage(changes=changes))

    async def _changes_after(self, number: int | None, changed: set[str]) -> ChangedRecords:
        async with self._engine.connect() as tx:
            return await list_changes(
                tx,
                self.workspace_id,
                number,
                has_records=RECORDS_CHANGED in changed,
                with_deliveries=DELIVERY_CHANGED in changed,
            )


def _end(queue: asyncio.Queue[LiveMessage | None]) -> None:
    """Empty a full queue and end it."""
    while not queue.empty():
        queue.get_nowait()
    queue.put_nowait(None)
