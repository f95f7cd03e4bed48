"""Read who may have an assistant that changes a workspace: keys and teammates with the right to write."""

from uuid import UUID

from sqlalchemy import or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.teammate import ACTOR_PREFIX
from showup.database.tables import api_keys, memberships, teammates

_MAX_LISTED = 100


async def list_writers(tx: AsyncConnection, workspace_id: UUID) -> list[str]:
    """Return them as in the audit log, by name: `key:NAME`, then `teammate:EMAIL`."""
    keys, roles = api_keys.c, memberships.c
    of_key = or_(keys.workspace_id.is_(None), keys.workspace_id == workspace_id)
    names = select(keys.name).where(of_key, keys.revoked_at.is_(None), keys.scope.in_(("write", "admin")))
    of_role = or_(roles.workspace_id.is_(None), roles.workspace_id == workspace_id)
    emails = (
        select(teammates.c.email)
        .join(memberships, roles.teammate_id == teammates.c.id)
        .where(of_role, roles.role.in_(("admin", "member")))
        .distinct()
    )
    found_keys = await tx.scalars(names.order_by(keys.name).limit(_MAX_LISTED))
    found_teammates = await tx.scalars(emails.order_by(teammates.c.email).limit(_MAX_LISTED))
    return [*(f"key:{name}" for name in found_keys), *(f"{ACTOR_PREFIX}{email}" for email in found_teammates)]


async def has_slack(tx: AsyncConnection, workspace_id: UUID) -> bool:
    """Return whether the workspace has a Slack that shows changes; without its signing secret, it shows none."""
    query = text(
        "SELECT EXISTS (SELECT FROM subscriptions WHERE workspace_id = :workspace_id AND destination = 'slack'"
        " AND until IS NULL AND 'approval.asked' = ANY(kinds))"
    )
    return bool(await tx.scalar(query, {"workspace_id": workspace_id}))
