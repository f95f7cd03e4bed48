"""Deletes old conversations and changes, and ends the changes that nobody granted in time."""

from typing import Final

import structlog
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.assistant import slack_notices
from showup.assistant.usage_store import AssistantSettings
from showup.clock import Clock

_AT_ONCE: Final = 500
_USAGE_DAYS: Final = 90
_log = structlog.get_logger()


class AssistantRetention(Struct, frozen=True, kw_only=True):
    """A periodic task. Each statement is a transaction of its own and changes some rows, so it holds nobody up."""

    engine: AsyncEngine
    clock: Clock

    async def run(self) -> None:
        """Do what is due, in all workspaces."""
        await self._expire()
        defaults, now = AssistantSettings(), self.clock()
        values = {
            "now": now,
            "chat_days": defaults.chat_days,
            "approval_days": defaults.approval_days,
            "usage_days": _USAGE_DAYS,
            "at_once": _AT_ONCE,
        }
        for name, statement in _DELETES.items():
            deleted = await self._repeat(statement, values)
            if deleted:
                _log.info("old rows deleted", table=name, rows=deleted)

    async def _repeat(self, statement: str, values: dict[str, object]) -> int:
        deleted = 0
        while True:
            async with self.engine.begin() as tx:
                rows = (await tx.execute(text(statement), values)).rowcount
            deleted += rows
            if rows < _AT_ONCE:
                return deleted

    async def _expire(self) -> None:
        """Mark changes that nobody granted in time, and say so where they were asked for."""
        now = self.clock()
        async with self.engine.begin() as tx:
            rows = await tx.execute(text(_EXPIRE), {"now": now, "at_once": _AT_ONCE})
            for row in rows.all():
                await slack_notices.tell_result(tx, row.workspace_id, row.id, now)


_EXPIRE: Final = """
    UPDATE approvals SET state = 'expired', decided_at = :now WHERE id IN (
        SELECT id FROM approvals WHERE state = 'pending' AND expires_at <= :now LIMIT :at_once FOR UPDATE SKIP LOCKED)
    RETURNING id, workspace_id
"""
_DELETES: Final = {
    "chat_messages": """
        DELETE FROM chat_messages WHERE (workspace_id, actor, number) IN (
            SELECT m.workspace_id, m.actor, m.number FROM chat_messages m
            LEFT JOIN assistant_settings s ON s.workspace_id = m.workspace_id
            WHERE m.created_at < CAST(:now AS timestamptz) - make_interval(days => coalesce(s.chat_days, :chat_days))
            LIMIT :at_once)
    """,
    "chat_questions": """
        DELETE FROM chat_questions WHERE id IN (
            SELECT id FROM chat_questions WHERE created_at < CAST(:now AS timestamptz) - interval '1 hour'
            LIMIT :at_once)
    """,
    "approvals": """
        DELETE FROM approvals WHERE id IN (
            SELECT a.id FROM approvals a LEFT JOIN assistant_settings s ON s.workspace_id = a.workspace_id
            WHERE a.state <> 'pending'
            AND a.created_at < CAST(:now AS timestamptz) - make_interval(days => coalesce(s.approval_days, :approval_days))
            LIMIT :at_once)
    """,
    "assistant_usage": """
        DELETE FROM assistant_usage WHERE (workspace_id, actor, day) IN (
            SELECT workspace_id, actor, day FROM assistant_usage
            WHERE day < CAST(CAST(:now AS timestamptz) - make_interval(days => :usage_days) AS date) LIMIT :at_once)
    """,
}
