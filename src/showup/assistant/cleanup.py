"""Ends the changes that nobody granted in time, and deletes what no page shows any more.

How long chats and decided changes are kept is said in one place, `[retention]` of showup.toml: see `privacy.retention`.
"""

import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.assistant import cleanup_store, slack_notices
from showup.clock import Clock

_log = structlog.get_logger()


class AssistantCleanup(Struct, frozen=True, kw_only=True):
    """A periodic task, for all workspaces. Each statement is a transaction of its own."""

    engine: AsyncEngine
    clock: Clock

    async def run(self) -> None:
        """Do what is due."""
        await self._expire()
        for table in cleanup_store.TABLES:
            if deleted := await self._delete_unused(table):
                _log.info("unused rows deleted", table=table, rows=deleted)

    async def _expire(self) -> None:
        """Mark changes that nobody granted in time, and say so where they were asked for."""
        now = self.clock()
        async with self.engine.begin() as tx:
            for workspace_id, approval_id in await cleanup_store.expire(tx, now):
                await slack_notices.notify_result(tx, workspace_id, approval_id, now)

    async def _delete_unused(self, table: str) -> int:
        deleted = 0
        while True:
            async with self.engine.begin() as tx:
                rows = await cleanup_store.delete_unused(tx, table, self.clock())
            deleted += rows
            if rows < cleanup_store.AT_ONCE:
                return deleted
