"""The statements of the assistant's cleanup: each changes some rows, so that it holds nobody up."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

AT_ONCE: Final = 500


async def expire(tx: AsyncConnection, now: datetime) -> list[tuple[UUID, UUID]]:
    """Mark changes that nobody granted in time, and return their workspaces and ids."""
    rows = await tx.execute(text(_EXPIRE), {"now": now, "at_once": AT_ONCE})
    return [(row.workspace_id, row.id) for row in rows]


async def delete_unused(tx: AsyncConnection, table: str, now: datetime) -> int:
    """Delete rows of one of TABLES that nobody needs, at most AT_ONCE, and return how many."""
    return (await tx.execute(text(_DELETES[table]), {"now": now, "at_once": AT_ONCE})).rowcount


_EXPIRE: Final = """
    UPDATE approvals SET state = 'expired', decided_at = :now WHERE id IN (
        SELECT id FROM approvals WHERE state = 'pending' AND expires_at <= :now LIMIT :at_once FOR UPDATE SKIP LOCKED)
    RETURNING id, workspace_id
"""
# A question that got no answer is kept for an hour, so that its page can offer it again; then its empty chat goes too.
_DELETES: Final = {
    "chat_questions": """
        DELETE FROM chat_questions WHERE id IN (
            SELECT id FROM chat_questions WHERE created_at < CAST(:now AS timestamptz) - interval '1 hour'
            LIMIT :at_once)
    """,
    "conversations": """
        DELETE FROM conversations WHERE id IN (
            SELECT c.id FROM conversations c WHERE c.updated_at < CAST(:now AS timestamptz) - interval '1 hour'
            AND NOT EXISTS (SELECT FROM chat_messages m WHERE m.conversation_id = c.id)
            LIMIT :at_once)
    """,
    "assistant_usage": """
        DELETE FROM assistant_usage WHERE (workspace_id, actor, day) IN (
            SELECT workspace_id, actor, day FROM assistant_usage
            WHERE day < CAST(CAST(:now AS timestamptz) - interval '90 days' AS date) LIMIT :at_once)
    """,
}
TABLES: Final = tuple(_DELETES)
