"""Reads the imports of files of leads, for the page that imports them."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.campaigns.imports_store import LeadImport
from showup.database.tables import lead_imports, matches, teammates
from showup.reads.rows import Item, visible_to

_FIELDS = ("id", "file_name", "campaign", "state", "position", "accepted", "repeated", "started_at", "actor")


async def latest_imports(tx: AsyncConnection, permission: Permission, *, limit: int) -> list[Item]:
    """Return the latest imports that the permission allows; `imported_by`: the teammate's name, if it was one."""
    rows = await tx.execute(
        select(*(lead_imports.c[name] for name in _FIELDS), teammates.c.name.label("imported_by"))
        .join_from(
            lead_imports, teammates, lead_imports.c.actor == func.concat("teammate:", teammates.c.email), isouter=True
        )
        .where(visible_to(permission, lead_imports))
        .order_by(lead_imports.c.started_at.desc(), lead_imports.c.id.desc())
        .limit(limit)
    )
    return [dict(row) for row in rows.mappings()]


async def matched_meanwhile(tx: AsyncConnection, workspace_id: UUID, done: LeadImport) -> int:
    """Return how many attendees Showup matched to a lead while the import ran."""
    found = await tx.scalar(
        select(func.count(func.distinct(matches.c.attendee))).where(
            matches.c.workspace_id == workspace_id,
            matches.c.state == "matched",
            matches.c.actor == "showup",
            matches.c.at >= done.started_at,
            matches.c.at <= done.ended_at,
        )
    )
    return int(found or 0)
