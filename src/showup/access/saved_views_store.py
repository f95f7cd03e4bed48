"""Store the views that teammates keep of the lists."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from msgspec import Struct
from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.teammate import Session
from showup.database.tables import saved_views

MAX_VIEWS: Final = 20
"""A teammate keeps so many views of one list."""


class SavedView(Struct, frozen=True, kw_only=True):
    """A view: the query string of a list's address, and its name. `list_name`: such as `deals`."""

    id: UUID
    list_name: str
    name: str
    query: str


async def list_views(tx: AsyncConnection, session: Session, list_name: str) -> Sequence[SavedView]:
    """Return the teammate's own views of a list in this workspace, oldest first."""
    view = saved_views.c
    query = select(*(view[name] for name in SavedView.__struct_fields__)).where(*_own(session))
    rows = await tx.execute(query.where(view.list_name == list_name).order_by(view.created_at, view.id))
    return [SavedView(**row) for row in rows.mappings()]


async def save(  # whose, what, and when
    tx: AsyncConnection, session: Session, *, list_name: str, name: str, query: str, now: datetime
) -> bool:
    """Keep a view; one with the same name gets the new query. Return False if the teammate keeps too many already."""
    counted = select(func.count()).where(
        *_own(session), saved_views.c.list_name == list_name, saved_views.c.name != name
    )
    if (await tx.scalar(counted) or 0) >= MAX_VIEWS:
        return False
    row = {"id": uuid4(), "teammate_id": session.teammate.id, "workspace_id": session.workspace.id}
    statement = insert(saved_views).values(**row, list_name=list_name, name=name, query=query, created_at=now)
    keys = ["teammate_id", "workspace_id", "list_name", "name"]
    await tx.execute(statement.on_conflict_do_update(index_elements=keys, set_={"query": query}))
    return True


async def remove(tx: AsyncConnection, session: Session, view_id: UUID) -> SavedView | None:
    """Remove one of the teammate's own views and return it; None if there is none with this id."""
    own = delete(saved_views).where(*_own(session), saved_views.c.id == view_id)
    row = (await tx.execute(own.returning(*(saved_views.c[name] for name in SavedView.__struct_fields__)))).mappings()
    found = row.one_or_none()
    return None if found is None else SavedView(**found)


def _own(session: Session) -> tuple[ColumnElement[bool], ...]:
    return (saved_views.c.teammate_id == session.teammate.id, saved_views.c.workspace_id == session.workspace.id)
