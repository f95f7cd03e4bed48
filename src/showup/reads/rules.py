"""How the rules of a workspace came to be what they are."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.database.tables import rules
from showup.reads.rows import Found

LISTED_AT_MOST = 500


async def changes_of_rules(tx: AsyncConnection, workspace_id: UUID) -> list[Found]:
    """Every change, the latest first; `since` is None where it holds for the whole history."""
    query = select(*(rules.c[name] for name in ("event_id", "at", "actor", "since", "changes")))
    query = query.where(rules.c.workspace_id == workspace_id).order_by(rules.c.order_key.collate("C").desc())
    return [dict(row) for row in (await tx.execute(query.limit(LISTED_AT_MOST))).mappings()]
