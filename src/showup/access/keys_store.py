"""Store API keys in the database: their digests, never the keys."""

from datetime import datetime
from uuid import UUID, uuid4

from msgspec import Struct
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.keys import digest, make_key
from showup.access.permission import Permission, Scope
from showup.database.tables import api_keys, workspaces


class KeyNameTaken(Exception):
    """Another key, perhaps a revoked one, has this name; the audit log needs unique names."""


class ApiKey(Struct, frozen=True, kw_only=True):
    """One key as a list shows it; `workspace` is a slug, None for all of them."""

    id: UUID
    name: str
    scope: Scope
    workspace: str | None
    created_at: datetime
    revoked_at: datetime | None


async def create(  # one row's columns
    tx: AsyncConnection,
    *,
    name: str,
    scope: Scope,
    workspace_id: UUID | None,
    now: datetime,
    teammate_id: UUID | None = None,
) -> str:
    """Create a key and return it; it cannot be read again. `teammate_id`: whose calendar its assistant sees.

    Raises KeyNameTaken.
    """
    key = make_key()
    row = {
        "id": uuid4(),
        "name": name,
        "scope": scope,
        "workspace_id": workspace_id,
        "digest": digest(key),
        "teammate_id": teammate_id,
        "created_at": now,
    }
    try:
        async with tx.begin_nested():
            await tx.execute(insert(api_keys).values(row))
    except IntegrityError as error:
        if "uq_api_keys_name" not in str(error.orig):
            raise
        raise KeyNameTaken(f"There is already a key named {name!r}. Choose another name.") from error
    return key


async def find(tx: AsyncConnection, key_digest: bytes) -> Permission | None:
    """Return the permission of the key with this digest; None if there is none or it was revoked."""
    query = select(api_keys.c.name, api_keys.c.scope, api_keys.c.workspace_id)
    query = query.where(api_keys.c.digest == key_digest, api_keys.c.revoked_at.is_(None))
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        return None
    return Permission(actor=f"key:{row.name}", scope=row.scope, workspace_id=row.workspace_id)


async def list_keys(tx: AsyncConnection) -> list[ApiKey]:
    """Return every key, including revoked ones, oldest first."""
    columns = [api_keys.c[name] for name in ("id", "name", "scope", "created_at", "revoked_at")]
    query = select(*columns, workspaces.c.slug.label("workspace"))
    query = query.outerjoin_from(api_keys, workspaces).order_by(api_keys.c.created_at, api_keys.c.name)
    return [ApiKey(**row) for row in (await tx.execute(query)).mappings()]


async def revoke(tx: AsyncConnection, name: str, *, now: datetime) -> bool:
    """Revoke the key; return False if no active key has this name."""
    statement = update(api_keys).where(api_keys.c.name == name, api_keys.c.revoked_at.is_(None))
    return (await tx.execute(statement.values(revoked_at=now))).rowcount > 0
