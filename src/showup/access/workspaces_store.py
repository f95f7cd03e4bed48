"""Store workspaces in the database."""

from uuid import UUID, uuid4

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.workspace import Workspace
from showup.database.tables import workspaces

_COLUMNS = [workspaces.c[name] for name in ("id", "slug", "name", "time_zone")]


async def add(tx: AsyncConnection, *, slug: str, name: str, time_zone: str = "UTC") -> Workspace | None:
    """Add a workspace and return it; None if the slug is taken."""
    row = {"id": uuid4(), "slug": slug, "name": name, "time_zone": time_zone}
    query = insert(workspaces).values(row).on_conflict_do_nothing().returning(*_COLUMNS)
    inserted = (await tx.execute(query)).mappings().one_or_none()
    return Workspace(**inserted) if inserted else None


async def find(tx: AsyncConnection, slug: str) -> Workspace | None:
    """Return the workspace with this slug."""
    row = (await tx.execute(select(*_COLUMNS).where(workspaces.c.slug == slug))).mappings().one_or_none()
    return Workspace(**row) if row else None


async def get(tx: AsyncConnection, workspace_id: UUID) -> Workspace:
    """Return an existing workspace."""
    return Workspace(**(await tx.execute(select(*_COLUMNS).where(workspaces.c.id == workspace_id))).mappings().one())


async def change(tx: AsyncConnection, workspace_id: UUID, **values: str) -> None:
    """Change the `name` or the `time_zone` of a workspace."""
    await tx.execute(update(workspaces).where(workspaces.c.id == workspace_id).values(**values))


async def list_workspaces(tx: AsyncConnection) -> list[Workspace]:
    """Return every workspace, oldest first."""
    query = select(*_COLUMNS).order_by(workspaces.c.created_at, workspaces.c.slug)
    return [Workspace(**row) for row in (await tx.execute(query)).mappings()]
