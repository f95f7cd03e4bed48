"""Store connections in the database, with encrypted credentials."""

from collections.abc import Mapping
from datetime import datetime
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


async def upsert(
    tx: AsyncConnection,
    seal: Seal,
    *,
    workspace_id: UUID,
    kind: str,
    name: str,
    settings: Mapping[str, Any],
    credentials: Mapping[str, Any] | None,
) -> UUID:
    """Create or update the connection of that name; credentials of None stay unchanged."""
    row = {
        "id": uuid4(),
        "workspace_id": workspace_id,
        "kind": kind,
        "name": name,
        "settings": dict(settings),
        "credentials": None if credentials is None else seal.encrypt(msgspec.json.encode(credentials)),
    }
    changed_columns = ["settings"] if credentials is None else ["settings", "credentials"]
    query = insert(connections).values(row)
    query = query.on_conflict_do_update(
        index_elements=["workspace_id", "kind", "name"],
        set_={"updated_at": sql.now()} | {column: row[column] for column in changed_columns},
    )
    connection_id: UUID = (await tx.execute(query.returning(connections.c.id))).scalar_one()
    return connection_id


async def list_connections(tx: AsyncConnection, *, workspace_id: UUID | None = None) -> list[Connection]:
    """Return the connections of a workspace, or of all, by workspace, kind and name."""
    query = _select_connections().order_by(workspaces.c.slug, connections.c.kind, connections.c.name)
    if workspace_id is not None:
        query = query.where(connections.c.workspace_id == workspace_id)
    return [Connection(**row) for row in (await tx.execute(query)).mappings()]


async def find(tx: AsyncConnection, *, workspace_id: UUID, kind: str, name: str) -> Connection | None:
    """Return the connection of this kind and name in the workspace."""
    query = _select_connections().where(
        connections.c.workspace_id == workspace_id, connections.c.kind == kind, connections.c.name == name
    )
    row = (await tx.execute(query)).mappings().one_or_none()
    return Connection(**row) if row else None


async def get(tx: AsyncConnection, connection_id: UUID) -> tuple[UUID, Connection] | None:
    """Return the id of the connection's workspace, and the connection."""
    query = _select_connections().add_columns(connections.c.workspace_id).where(connections.c.id == connection_id)
    row = (await tx.execute(query)).mappings().one_or_none()
    if row is None:
        return None
    fields = {name: row[name] for name in Connection.__struct_fields__}
    return row["workspace_id"], Connection(**fields)


async def last_changed_at(tx: AsyncConnection, connection_id: UUID) -> datetime | None:
    """Return when the connection was saved last; None if it does not exist."""
    query = select(connections.c.updated_at).where(connections.c.id == connection_id)
    return (await tx.execute(query)).scalar_one_or_none()


async def remove(tx: AsyncConnection, *, workspace_id: UUID, kind: str, name: str) -> bool:
    """Remove an unreferenced connection; return whether it existed."""
    query = delete(connections).where(
        connections.c.workspace_id == workspace_id, connections.c.kind == kind, connections.c.name == name
    )
    return bool((await tx.execute(query)).rowcount)


async def credentials(tx: AsyncConnection, seal: Seal, connection_id: UUID) -> dict[str, Any] | None:
    """Return the decrypted credentials; None if there are none. Raises DecryptionError."""
    query = select(connections.c.credentials).where(connections.c.id == connection_id)
    sealed = (await tx.execute(query)).scalar_one_or_none()
    return None if sealed is None else msgspec.json.decode(seal.decrypt(sealed), type=dict[str, Any])


def _select_connections() -> Select[Any]:
    return select(
        *(connections.c[name] for name in ("id", "kind", "name", "settings")),
        workspaces.c.slug.label("workspace"),
        connections.c.credentials.is_not(None).label("has_credentials"),
    ).join_from(connections, workspaces)
