"""The statements of the assistant's retention: each changes some rows, so that it holds nobody up."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.assistant.usage_store import AssistantSettings

AT_ONCE: Final = 500
_USAGE_DAYS: Final = 90


async def expire(tx: AsyncConnection, now: datetime) -> list[tuple[UUID, UUID]]:
    """Mark changes that nobody granted in time, and return their workspaces and ids."""
    rows = await tx.execute(text(_EXPIRE), {"now": now, "at_once": AT_ONCE})
    return [(row.workspace_id, row.id) for row in rows]


async def delete_old(tx: AsyncConnection, table: str, now: datetime) -> int:
    """Delete old rows of one of TABLES, at most AT_ONCE, and return how many. The workspace's settings decide."""
    defaults = AssistantSettings()
    values: dict[str, Any] = {
        "now": now,
        "chat_days": defaults.chat_days,
        "approval_days": defaults.approval_days,
        "usage_days": _USAGE_DAYS,
        "at_once": AT_ONCE,
    }
    statement = text(_DELETES[table])
    wanted = statement.compile().params.keys()
    return (await tx.execute(statement, {name: values[name] for name in wanted})).rowcount


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
            WHERE a.state <> 'pending' AND a.created_at
                < CAST(:now AS timestamptz) - make_interval(days => coalesce(s.approval_days, :approval_days))
            LIMIT :at_once)
    """,
    "assistant_usage": """
        DELETE FROM assistant_usage WHERE (workspace_id, actor, day) IN (
            SELECT workspace_id, actor, day FROM assistant_usage
            WHERE day < CAST(CAST(:now AS timestamptz) - make_interval(days => :usage_days) AS date) LIMIT :at_once)
    """,
}
TABLES: Final = tuple(_DELETES)
