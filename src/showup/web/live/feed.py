"""The feed of changes: one LISTEN for a process, one query for a change, whatever the number of open pages (CA7)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final
from uuid import UUID

import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.fault import describe_error, is_outage
from showup.database.listener import RETRY_AFTER, OpenListener, listen, pooled_listener
from showup.database.page_changes import CHANNEL, DELIVERY_CHANGED, RECORDS_CHANGED, parse_change
from showup.reads.live import ChangedRecords, list_changes

# The first change is sent at once; those within this time after a message become one. The last one is never lost.
_GATHERED_FOR: Final = 0.1
# A page that reads more slowly is disconnected, and resumes where it was.
_MAX_WAITING: Final = 64

_log = structlog.get_logger()


class LiveMessage(Struct, kw_only=True):
    """What open pages receive: `changes`, or that the database is away (`is_connected` False) or back (True).

    `encoded` is what the first stream that sends the message wrote, for the others.
    """

    changes: ChangedRecords | None = None
    is_connected: bool | None = None
    encoded: bytes | None = None


class LiveFeed:
    """The open pages of one process, by workspace. It listens only while there is one.

    `open_listener` opens the connection that listens; by default, that is one of the engine's.
    """

    def __init__(self, engine: AsyncEngine, open_listener: OpenListener | None = None) -> None:
        self._engine = engine
        self._open = open_listener or pooled_listener(engine)
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
            self._listener = asyncio.create_task(
                listen(self._open, CHANNEL, self._receive, on_connected=self._begin, on_lost=self._pause)
            )
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY_AFTER):
                    await self._listening.wait()
            # Read only while listening: a change between the two would be lost.
            queue.put_nowait(await channel.catch_up(since, is_resumed=is_resumed))
            if self._is_closed:
                end_queue(queue)
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
                end_queue(queue)

    def _begin(self) -> None:
        """Say that changes arrive, and send what was missed meanwhile; a page that only begins reads for itself."""
        self._listening.set()
        self._send_to_all(LiveMessage(is_connected=True))
        for channel in self._channels.values():
            if channel.has_begun:
                channel.wake(DELIVERY_CHANGED)
                channel.wake(RECORDS_CHANGED)

    def _pause(self) -> None:
        self._listening.clear()
        self._send_to_all(LiveMessage(is_connected=False))

    def _receive(self, payload: str) -> None:
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
                end_queue(queue)

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
            self._wakeup.clear()
            changed, self._changed = self._changed, set()
            try:
                changes = await self._changes_after(self._number, changed)
            except Exception as fault:
                if not is_outage(fault):
                    raise
                _log.debug("pages: changes can't be read", fault=describe_error(fault))
                await asyncio.sleep(RETRY_AFTER)
                self._changed |= changed
                self._wakeup.set()
                continue
            self._number = changes.number
            self.send(LiveMessage(changes=changes))
            await asyncio.sleep(_GATHERED_FOR)

    async def _changes_after(self, number: int | None, changed: set[str]) -> ChangedRecords:
        async with self._engine.connect() as tx:
            return await list_changes(
                tx,
                self.workspace_id,
                number,
                has_records=RECORDS_CHANGED in changed,
                with_deliveries=DELIVERY_CHANGED in changed,
            )


def end_queue(queue: asyncio.Queue[LiveMessage | None]) -> None:
    """Empty a queue, which may be full, and end it."""
    while not queue.empty():
        queue.get_nowait()
    queue.put_nowait(None)
