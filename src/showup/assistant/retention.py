"""Deletes old conversations and changes, and ends the changes that nobody granted in time."""

import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.assistant import retention_store, slack_notices
from showup.clock import Clock

_log = structlog.get_logger()


class AssistantRetention(Struct, frozen=True, kw_only=True):
    """A periodic task, for all workspaces. Each statement is a transaction of its own."""

    engine: AsyncEngine
    clock: Clock

    async def run(self) -> None:
        """Do what is due."""
        await self._expire()
        for table in retention_store.TABLES:
            if deleted := await self._delete_old(table):
                _log.info("old rows deleted", table=table, rows=deleted)

    async def _expire(self) -> None:
        """Mark changes that nobody granted in time, and say so where they were asked for."""
        now = self.clock()
        async with self.engine.begin() as tx:
            for workspace_id, approval_id in await retention_store.expire(tx, now):
                await slack_notices.notify_result(tx, workspace_id, approval_id, now)

    async def _delete_old(self, table: str) -> int:
        deleted = 0
        while True:
            async with self.engine.begin() as tx:
                rows = await retention_store.delete_old(tx, table, self.clock())
            deleted += rows
            if rows < retention_store.AT_ONCE:
                return deleted
