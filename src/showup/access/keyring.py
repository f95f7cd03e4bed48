"""Cache the permissions of keys for seconds, so that a busy client does not query the database on each request."""

import hmac
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access.keys import digest
from showup.access.keys_store import find, touch
from showup.access.permission import Permission
from showup.clock import Clock

CACHED_FOR = timedelta(seconds=3)
# Unknown keys are cached too, so the cache needs a size limit.
MAX_CACHED_KEYS = 1000


class Keyring:
    """Finds the permission of a key; `admin_key` (None: there is none) grants everything without the database."""

    def __init__(self, engine: AsyncEngine, clock: Clock, *, admin_key: str | None) -> None:
        self._engine = engine
        self._clock = clock
        self._admin_digest = digest(admin_key) if admin_key else None
        self._cache: dict[bytes, tuple[datetime, Permission | None]] = {}

    async def find_permission(self, key: str) -> Permission | None:
        """Return the key's permission; None if the key is unknown, or soon after it was revoked (CACHED_FOR)."""
        key_digest = digest(key)
        if self._admin_digest is not None and hmac.compare_digest(key_digest, self._admin_digest):
            return Permission(actor="admin", scope="admin", workspace_id=None)
        now = self._clock()
        valid_until, permission = self._cache.get(key_digest, (now, None))
        return permission if valid_until > now else await self._look_up(key_digest, now)

    async def _look_up(self, key_digest: bytes, now: datetime) -> Permission | None:
        async with self._engine.begin() as tx:
            permission = await find(tx, key_digest)
            if permission is not None:
                await touch(tx, key_digest, now)
        if len(self._cache) >= MAX_CACHED_KEYS:
            self._cache.clear()
        self._cache[key_digest] = (now + CACHED_FOR, permission)
        return permission
