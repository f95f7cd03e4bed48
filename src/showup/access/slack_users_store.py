"""Store which Slack user is which teammate, in each workspace."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct
from sqlalchemy import and_, case, delete, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.access.teammate import ACTOR_PREFIX, SCOPE_OF_ROLE
from showup.database.tables import memberships, slack_users, teammates

_users = slack_users.c


class SlackUser(Struct, frozen=True, kw_only=True):
    """A member of a Slack workspace: Slack's ids of both, and their name there."""

    team: str
    member: str
    name: str


async def link(tx: AsyncConnection, workspace_id: UUID, user: SlackUser, teammate_id: UUID, now: datetime) -> None:
    """Link the user with the teammate; what either was linked with before ends."""
    await unlink(tx, workspace_id, teammate_id)
    values = {"name": user.name, "teammate_id": teammate_id, "linked_at": now}
    query = insert(slack_users).values(workspace_id=workspace_id, team=user.team, member=user.member, **values)
    await tx.execute(query.on_conflict_do_update(index_elements=["workspace_id", "team", "member"], set_=values))


async def unlink(tx: AsyncConnection, workspace_id: UUID, teammate_id: UUID) -> None:
    """End the teammate's link."""
    own = (_users.workspace_id == workspace_id, _users.teammate_id == teammate_id)
    await tx.execute(delete(slack_users).where(*own))


async def find_user(tx: AsyncConnection, workspace_id: UUID, teammate_id: UUID) -> SlackUser | None:
    """Return the teammate's Slack user."""
    query = select(_users.team, _users.member, _users.name)
    query = query.where(_users.workspace_id == workspace_id, _users.teammate_id == teammate_id)
    row = (await tx.execute(query)).mappings().one_or_none()
    return None if row is None else SlackUser(**row)


async def find_permission(tx: AsyncConnection, workspace_id: UUID, team: str, member: str) -> Permission | None:
    """Return what the teammate of a Slack user may do in the workspace; None if the user is not linked."""
    query = select(teammates.c.email, teammates.c.id).join(slack_users, _users.teammate_id == teammates.c.id)
    query = query.where(_users.workspace_id == workspace_id, _users.team == team, _users.member == member)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else await permission_of(tx, workspace_id, row.id)


async def permission_of(tx: AsyncConnection, workspace_id: UUID, teammate_id: UUID) -> Permission | None:
    """Return what a teammate may do in the workspace; None if they may not use it. The workspace's own role counts."""
    roles = memberships.c
    query = (
        select(teammates.c.email, roles.role)
        .join(memberships, roles.teammate_id == teammates.c.id)
        .where(
            and_(teammates.c.id == teammate_id, or_(roles.workspace_id == workspace_id, roles.workspace_id.is_(None)))
        )
        .order_by(case((roles.workspace_id.is_(None), 1), else_=0))
        .limit(1)
    )
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        return None
    return Permission(actor=f"{ACTOR_PREFIX}{row.email}", scope=SCOPE_OF_ROLE[row.role], workspace_id=workspace_id)
