"""Whom a key lets in, remembered for seconds, so that a busy program does not ask the database each time."""

import hmac
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access.keys import digest
from showup.access.keys_store import find
from showup.access.permit import Permit
from showup.clock import Clock

REMEMBERED_FOR = timedelta(seconds=3)
# Made-up keys are remembered as well, so the memory of them needs an end.
REMEMBERED_AT_MOST = 1000


class Keyring:
    """Finds the permit of a key; `admin_key` (None: there is none) opens everything without the database."""

    def __init__(self, engine: AsyncEngine, clock: Clock, *, admin_key: str | None) -> None:
        self._engine = engine
        self._clock = clock
        self._admin = digest(admin_key) if admin_key else None
        self._known: dict[bytes, tuple[datetime, Permit | None]] = {}

    async def permit(self, key: str) -> Permit | None:
        """What the key permits, None for an unknown one, and for a revoked one soon (REMEMBERED_FOR)."""
        key_digest = digest(key)
        if self._admin is not None and hmac.compare_digest(key_digest, self._admin):
            return Permit(actor="admin", scope="admin", workspace_id=None)
        now = self._clock()
        until, permit = self._known.get(key_digest, (now, None))
        return permit if until > now else await self._look_up(key_digest, now)

    async def _look_up(self, key_digest: bytes, now: datetime) -> Permit | None:
        async with self._engine.connect() as tx:
            permit = await find(tx, key_digest)
        if len(self._known) >= REMEMBERED_AT_MOST:
            self._known.clear()
        self._known[key_digest] = (now + REMEMBERED_FOR, permit)
        return permit
