"""Limits how many reads of one key, of one workspace and of all run at a time, so that slow ones delay no other."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Final
from weakref import WeakValueDictionary

from showup.access.permission import Permission
from showup.web.http.problems import Refusal

# Below the pool's connections: reads of one workspace leave some for other workspaces, for changes and for webhooks.
_PER_KEY: Final = 3
_PER_WORKSPACE: Final = 4
# Of the pool's ten connections, four are for changes and one is for the check of keys.
_ALL: Final = 5
_MAX_WAIT: Final = timedelta(seconds=3)
_RETRY_AFTER: Final = {"Retry-After": "5"}


class ReadShares:
    """The reads that run now in this process. A key for all workspaces has its own share of each workspace."""

    def __init__(self) -> None:
        # A semaphore exists while a request uses it.
        self._semaphores: WeakValueDictionary[Hashable, asyncio.Semaphore] = WeakValueDictionary()
        self._all = asyncio.Semaphore(_ALL)

    @asynccontextmanager
    async def take(self, permission: Permission) -> AsyncIterator[None]:
        """Waits for the key's turn. Refuses the read when the wait takes too long."""
        workspace = permission.workspace_id
        async with AsyncExitStack() as taken:
            try:
                async with asyncio.timeout(_MAX_WAIT.total_seconds()):
                    await taken.enter_async_context(self._semaphore((workspace, permission.actor), _PER_KEY))
                    await taken.enter_async_context(self._semaphore(workspace, _PER_WORKSPACE))
                    await taken.enter_async_context(self._all)
            except TimeoutError:
                raise Refusal("too-many-reads", headers=_RETRY_AFTER) from None
            yield

    def _semaphore(self, owner: Hashable, limit: int) -> asyncio.Semaphore:
        return self._semaphores.setdefault(owner, asyncio.Semaphore(limit))
