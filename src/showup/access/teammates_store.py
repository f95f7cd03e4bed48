"""Store teammates and their memberships of workspaces."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from msgspec import Struct
from sqlalchemy import ColumnElement, and_, delete, exists, or_, select, text, update
from sqlalchemy import func as sql
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.sessions_store import TEAMMATE_COLUMNS
from showup.access.teammate import ACTOR_PREFIX, Role, Teammate
from showup.database.tables import conversations, memberships, teammates, tool_grants, workspaces


class TeammateRow(Struct, frozen=True, kw_only=True):
    """A teammate as a list shows them; `workspace` is a slug, None for all workspaces."""

    id: UUID
    email: str
    name: str
    role: Role
    workspace: str | None
    has_password: bool
    seen_at: datetime | None


async def exist(tx: AsyncConnection) -> bool:
    """Return whether there is any teammate: without one, the first run is still to come."""
    return bool(await tx.scalar(select(exists(select(teammates.c.id)))))


async def lock(tx: AsyncConnection) -> None:
    """Wait for other changes of teammates: the last admin can't be removed twice, and the first run happens once."""
    await tx.execute(text("LOCK TABLE memberships IN SHARE ROW EXCLUSIVE MODE"))


async def add(tx: AsyncConnection, *, email: str, name: str, now: datetime) -> UUID | None:
    """Add a teammate and return the id; None if the address is taken."""
    row = {"id": uuid4(), "email": email, "name": name, "created_at": now}
    query = insert(teammates).values(row).on_conflict_do_nothing().returning(teammates.c.id)
    added: UUID | None = (await tx.execute(query)).scalar_one_or_none()
    return added


async def find(tx: AsyncConnection, email: str) -> Teammate | None:
    """Return the teammate with this address."""
    row = (await tx.execute(select(*TEAMMATE_COLUMNS).where(teammates.c.email == email))).mappings().one_or_none()
    return None if row is None else Teammate(**row)


async def get(tx: AsyncConnection, teammate_id: UUID) -> Teammate:
    """Return an existing teammate."""
    query = select(*TEAMMATE_COLUMNS).where(teammates.c.id == teammate_id)
    return Teammate(**(await tx.execute(query)).mappings().one())


async def password_hash(tx: AsyncConnection, email: str) -> str | None:
    """Return the hash of the teammate's password; None without a teammate or a password."""
    found: str | None = await tx.scalar(select(teammates.c.password_hash).where(teammates.c.email == email))
    return found


async def change(tx: AsyncConnection, teammate_id: UUID, **values: Any) -> None:
    """Change fields of a teammate: `name`, `password_hash`, `time_zone`, `clock` or `theme`."""
    await tx.execute(update(teammates).where(teammates.c.id == teammate_id).values(**values))


async def set_role(tx: AsyncConnection, teammate_id: UUID, workspace_id: UUID | None, role: Role) -> None:
    """Give the teammate this role in a workspace; None for all workspaces."""
    row = {"id": uuid4(), "teammate_id": teammate_id, "workspace_id": workspace_id, "role": role}
    query = insert(memberships).values(row)
    query = query.on_conflict_do_update(constraint="uq_memberships_teammate_id_workspace_id", set_={"role": role})
    await tx.execute(query)


async def remove(tx: AsyncConnection, teammate_id: UUID, workspace_id: UUID | None = None) -> None:
    """Remove the teammate, or only their membership of one workspace, with their chats and what they allowed there.

    Who is invited again begins anew.
    """
    await _remove_what_they_left(tx, teammate_id, workspace_id)
    if workspace_id is None:
        await tx.execute(delete(teammates).where(teammates.c.id == teammate_id))
        return
    own = (memberships.c.teammate_id == teammate_id, memberships.c.workspace_id == workspace_id)
    await tx.execute(delete(memberships).where(*own))
    left = exists(select(memberships.c.id).where(memberships.c.teammate_id == teammate_id))
    await tx.execute(delete(teammates).where(teammates.c.id == teammate_id, ~left))


async def _remove_what_they_left(tx: AsyncConnection, teammate_id: UUID, workspace_id: UUID | None) -> None:
    """Delete their conversations with the assistant, and its permissions to change something without asking."""
    actor = select(sql.concat(ACTOR_PREFIX, teammates.c.email)).where(teammates.c.id == teammate_id).scalar_subquery()
    for table in (conversations, tool_grants):
        own = table.c.actor == actor
        where = own if workspace_id is None else and_(own, table.c.workspace_id == workspace_id)
        await tx.execute(delete(table).where(where))


async def count_admins(tx: AsyncConnection, workspace_id: UUID | None, *, but: UUID) -> int:
    """Return how many other admins a workspace has, those of all workspaces included; None counts only the latter."""
    fits: ColumnElement[bool] = memberships.c.workspace_id.is_(None)
    if workspace_id is not None:
        fits = or_(fits, memberships.c.workspace_id == workspace_id)
    query = select(sql.count()).select_from(memberships).where(fits, memberships.c.role == "admin")
    return await tx.scalar(query.where(memberships.c.teammate_id != but)) or 0


async def list_teammates(tx: AsyncConnection, workspace_id: UUID | None = None) -> Sequence[TeammateRow]:
    """Return the teammates of a workspace, those of all workspaces included; None: every membership."""
    query = (
        select(
            *(teammates.c[name] for name in ("id", "email", "name", "seen_at")),
            teammates.c.password_hash.is_not(None).label("has_password"),
            memberships.c.role,
            workspaces.c.slug.label("workspace"),
        )
        .join_from(teammates, memberships)
        .outerjoin(workspaces, workspaces.c.id == memberships.c.workspace_id)
        .order_by(teammates.c.created_at, teammates.c.email, workspaces.c.slug)
    )
    if workspace_id is not None:
        query = query.where(or_(memberships.c.workspace_id == workspace_id, memberships.c.workspace_id.is_(None)))
    return [TeammateRow(**row) for row in (await tx.execute(query)).mappings()]
