"""Reads the history of a workspace's rules."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.database.tables import rules
from showup.reads.rows import Item

MAX_CHANGES = 500


async def list_rule_changes(tx: AsyncConnection, workspace_id: UUID) -> list[Item]:
    """Returns every change, the latest first; `since` is None if it holds for the whole history."""
    query = select(*(rules.c[name] for name in ("event_id", "at", "actor", "since", "changes")))
    query = query.where(rules.c.workspace_id == workspace_id).order_by(rules.c.order_key.collate("C").desc())
    return [dict(row) for row in (await tx.execute(query.limit(MAX_CHANGES))).mappings()]
