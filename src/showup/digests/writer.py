"""Writes digests when they are due, for the destinations that subscribe to them.

Each is a delivery whose key has its date, so it is written once, however many processes run.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

import asyncpg
import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import Clock
from showup.database.engine import driver_connection, transaction
from showup.database.fault import is_outage
from showup.digests.digest import DAILY, WEEKLY, Digest, due
from showup.outbox.delivery import DestinationQueue
from showup.outbox.system_notifications import SystemNotification, notify_destination

_log = structlog.get_logger()

DigestReader: TypeAlias = Callable[[asyncpg.Connection, UUID, Digest], Awaitable[dict[str, Any]]]
"""The content of a workspace's digest: plain JSON values."""


class _Subscriber(Struct, frozen=True, kw_only=True):
    workspace_id: UUID
    destination: str
    kinds: Sequence[str]
    since: datetime
    time_zone: str
    digest_at: str | None


class DigestWriter:
    """Writes the due digests of all workspaces that have subscribers."""

    def __init__(self, engine: AsyncEngine, clock: Clock, read: DigestReader) -> None:
        self._engine = engine
        self._clock = clock
        self._read = read

    async def write_due(self) -> None:
        """Writes the digests that are due and missing; a failure in one workspace does not affect the others."""
        async with transaction(self._engine) as tx:
            rows = await (await driver_connection(tx)).fetch(_SUBSCRIBERS, [DAILY, WEEKLY])
        for row in rows:
            subscriber = _Subscriber(**row)
            try:
                await self._write(subscriber)
            except Exception as fault:
                if is_outage(fault):
                    raise
                _log.exception("digest failed", workspace_id=str(subscriber.workspace_id))

    async def _write(self, subscriber: _Subscriber) -> None:
        now = self._clock()
        for kind in (DAILY, WEEKLY):
            digest = due(kind, subscriber.digest_at, subscriber.time_zone, now) if kind in subscriber.kinds else None
            # A destination that was connected after the digest's time waits for the next one.
            if digest is None or subscriber.since > digest.due_at:
                continue
            async with transaction(self._engine) as tx:
                await self._write_one(await driver_connection(tx), subscriber, digest, now)

    async def _write_one(
        self, connection: asyncpg.Connection, subscriber: _Subscriber, digest: Digest, now: datetime
    ) -> None:
        if await connection.fetchval(_IS_WRITTEN, subscriber.workspace_id, f"{subscriber.destination}/{digest.key}"):
            return
        content = await self._read(connection, subscriber.workspace_id, digest)
        notification = SystemNotification(
            kind=digest.kind,
            key=digest.key,
            details={"date": f"{digest.day}", **content},
            expires_at=digest.expires_at,
        )
        queue = DestinationQueue(workspace_id=subscriber.workspace_id, destination=subscriber.destination)
        await notify_destination(connection, queue, notification, now)


_SUBSCRIBERS: Final = """
    SELECT s.workspace_id, s.destination, s.kinds, s.since, w.time_zone, c.settings->>'digest_at' AS digest_at
    FROM subscriptions s JOIN workspaces w ON w.id = s.workspace_id
    LEFT JOIN connections c ON c.workspace_id = s.workspace_id AND c.kind = s.destination
    WHERE s.until IS NULL AND s.kinds && $1::text[] ORDER BY w.slug, s.destination, c.name
"""
_IS_WRITTEN: Final = "SELECT true FROM deliveries WHERE workspace_id = $1 AND key = $2"
