"""Connections in the database, their credentials sealed."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import Select, delete, select
from sqlalchemy import func as sql
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.connection import Connection
from showup.access.secrets_at_rest import Seal
from showup.database.tables import connections, workspaces


async def put(
    tx: AsyncConnection,
    seal: Seal,
    *,
    workspace_id: UUID,
    kind: str,
    name: str,
    settings: Mapping[str, Any],
    credentials: Mapping[str, Any] | None,
) -> UUID:
    """Makes the connection, or changes the one of that name; credentials of None stay as they are."""
    row = {
        "id": uuid4(),
        "workspace_id": workspace_id,
        "kind": kind,
        "name": name,
        "settings": dict(settings),
        "credentials": None if credentials is None else seal.close(msgspec.json.encode(credentials)),
    }
    changed = ["settings"] if credentials is None else ["settings", "credentials"]
    query = insert(connections).values(row)
    query = query.on_conflict_do_update(
        index_elements=["workspace_id", "kind", "name"],
        set_={"updated_at": sql.now()} | {column: row[column] for column in changed},
    )
    made: UUID = (await tx.execute(query.returning(connections.c.id))).scalar_one()
    return made


async def list_connections(tx: AsyncConnection, *, workspace_id: UUID | None = None) -> list[Connection]:
    """The connections of a workspace, or of all, by workspace, kind and name."""
    query = _shown().order_by(workspaces.c.slug, connections.c.kind, connections.c.name)
    if workspace_id is not None:
        query = query.where(connections.c.workspace_id == workspace_id)
    return [Connection(**row) for row in (await tx.execute(query)).mappings()]


async def find(tx: AsyncConnection, *, workspace_id: UUID, kind: str, name: str) -> Connection | None:
    """The connection of this kind and name in the workspace."""
    query = _shown().where(
        connections.c.workspace_id == workspace_id, connections.c.kind == kind, connections.c.name == name
    )
    row = (await tx.execute(query)).mappings().one_or_none()
    return Connection(**row) if row else None


async def of_id(tx: AsyncConnection, connection_id: UUID) -> tuple[UUID, Connection] | None:
    """The connection of this id, behind the id of its workspace."""
    query = _shown().add_columns(connections.c.workspace_id).where(connections.c.id == connection_id)
    row = (await tx.execute(query)).mappings().one_or_none()
    if row is None:
        return None
    fields = {name: row[name] for name in Connection.__struct_fields__}
    return row["workspace_id"], Connection(**fields)


async def remove(tx: AsyncConnection, *, workspace_id: UUID, kind: str, name: str) -> bool:
    """Removes a connection that nothing else refers to; whether there was one."""
    query = delete(connections).where(
        connections.c.workspace_id == workspace_id, connections.c.kind == kind, connections.c.name == name
    )
    return bool((await tx.execute(query)).rowcount)


async def credentials(tx: AsyncConnection, seal: Seal, connection_id: UUID) -> dict[str, Any] | None:
    """The credentials in the clear, None when there are none. Raises Unsealable."""
    query = select(connections.c.credentials).where(connections.c.id == connection_id)
    sealed = (await tx.execute(query)).scalar_one_or_none()
    return None if sealed is None else msgspec.json.decode(seal.open(sealed), type=dict[str, Any])


def _shown() -> Select[Any]:
    return select(
        *(connections.c[name] for name in ("id", "kind", "name", "settings")),
        workspaces.c.slug.label("workspace"),
        connections.c.credentials.is_not(None).label("has_credentials"),
    ).join_from(connections, workspaces)
