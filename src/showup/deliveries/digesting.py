"""Digests are written when they are due, for whoever listens.

Each is a delivery whose key has its date, so that however many processes look, it is written once.
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
from showup.database.engine import raw, transaction
from showup.database.fault import is_away
from showup.deliveries.delivery import Lane
from showup.deliveries.digests import DAILY, WEEKLY, Digest, due
from showup.deliveries.sequels import Sequel, tell

_log = structlog.get_logger()

Reading: TypeAlias = Callable[[asyncpg.Connection, UUID, Digest], Awaitable[dict[str, Any]]]
"""What a digest says of a workspace: plain JSON values."""


class _Listener(Struct, frozen=True, kw_only=True):
    workspace_id: UUID
    destination: str
    kinds: Sequence[str]
    since: datetime
    time_zone: str
    digest_at: str | None


class Digesting:
    """Writes the digests of all workspaces that somebody listens to, when they are due."""

    def __init__(self, engine: AsyncEngine, clock: Clock, read: Reading) -> None:
        self._engine = engine
        self._clock = clock
        self._read = read

    async def write_due(self) -> None:
        """Those that are due and not written yet; what fails for one workspace is no matter of the others."""
        async with transaction(self._engine) as tx:
            rows = await (await raw(tx)).fetch(_LISTENERS, [DAILY, WEEKLY])
        for row in rows:
            listener = _Listener(**row)
            try:
                await self._write(listener)
            except Exception as fault:
                if is_away(fault):
                    raise
                _log.exception("a digest could not be written", workspace_id=str(listener.workspace_id))

    async def _write(self, listener: _Listener) -> None:
        now = self._clock()
        for kind in (DAILY, WEEKLY):
            digest = due(kind, listener.digest_at, listener.time_zone, now) if kind in listener.kinds else None
            # Whoever was connected after its time waits for the next one.
            if digest is None or listener.since > digest.due_at:
                continue
            async with transaction(self._engine) as tx:
                await self._write_one(await raw(tx), listener, digest, now)

    async def _write_one(
        self, connection: asyncpg.Connection, listener: _Listener, digest: Digest, now: datetime
    ) -> None:
        if await connection.fetchval(_IS_WRITTEN, listener.workspace_id, f"{listener.destination}/{digest.key}"):
            return
        said = await self._read(connection, listener.workspace_id, digest)
        sequel = Sequel(
            kind=digest.kind,
            key=digest.key,
            details={"date": f"{digest.day}", **said},
            expires_at=digest.expires_at,
        )
        lane = Lane(workspace_id=listener.workspace_id, destination=listener.destination)
        await tell(connection, lane, sequel, now)


_LISTENERS: Final = """
    SELECT s.workspace_id, s.destination, s.kinds, s.since, w.time_zone, c.settings->>'digest_at' AS digest_at
    FROM subscriptions s JOIN workspaces w ON w.id = s.workspace_id
    LEFT JOIN connections c ON c.workspace_id = s.workspace_id AND c.kind = s.destination
    WHERE s.until IS NULL AND s.kinds && $1::text[] ORDER BY w.slug, s.destination, c.name
"""
_IS_WRITTEN: Final = "SELECT true FROM deliveries WHERE workspace_id = $1 AND key = $2"
