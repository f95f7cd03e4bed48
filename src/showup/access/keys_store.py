"""Store API keys in the database: their digests, never the keys."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from msgspec import Struct
from sqlalchemy import insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.keys import digest, make_key
from showup.access.permission import Permission, Scope
from showup.access.settings_log_store import COMMAND_LINE, SettingsChange
from showup.access.settings_log_store import add as log_change
from showup.database.tables import api_keys, teammates, workspaces

_TOUCHED_EVERY: Final = timedelta(minutes=1)


class KeyNameTaken(Exception):
    """Another key, perhaps a revoked one, has this name; the audit log needs unique names."""


class ApiKey(Struct, frozen=True, kw_only=True):
    """One key as a list shows it; `workspace` is a slug, None for all of them; `owner` a teammate's address.

    `last_used_at` is exact to the minute; None: it was not used yet.
    """

    id: UUID
    name: str
    scope: Scope
    workspace: str | None
    owner: str | None
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


async def create(  # one row's columns
    tx: AsyncConnection,
    *,
    name: str,
    scope: Scope,
    workspace_id: UUID | None,
    now: datetime,
    actor: str = COMMAND_LINE,
    teammate_id: UUID | None = None,
) -> str:
    """Create a key and return it; it cannot be read again. `teammate_id`: whose calendar its assistant sees.

    The log of settings says who created it: `actor`. Raises KeyNameTaken.
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
    await log_change(
        tx,
        SettingsChange(
            workspace_id=workspace_id,
            at=now,
            actor=actor,
            what="key.created",
            about=name,
            change={"scope": [None, scope]},
        ),
    )
    return key


async def find(tx: AsyncConnection, key_digest: bytes) -> Permission | None:
    """Return the permission of the key with this digest; None if there is none or it was revoked."""
    query = select(api_keys.c.name, api_keys.c.scope, api_keys.c.workspace_id)
    query = query.where(api_keys.c.digest == key_digest, api_keys.c.revoked_at.is_(None))
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        return None
    return Permission(actor=f"key:{row.name}", scope=row.scope, workspace_id=row.workspace_id)


async def touch(tx: AsyncConnection, key_digest: bytes, now: datetime) -> None:
    """Record that the key was used: to the minute is enough."""
    is_due = or_(api_keys.c.last_used_at.is_(None), api_keys.c.last_used_at <= now - _TOUCHED_EVERY)
    await tx.execute(update(api_keys).where(api_keys.c.digest == key_digest, is_due).values(last_used_at=now))


async def list_keys(tx: AsyncConnection) -> list[ApiKey]:
    """Return every key, including revoked ones, oldest first."""
    columns = [api_keys.c[name] for name in ("id", "name", "scope", "created_at", "last_used_at", "revoked_at")]
    query = select(*columns, workspaces.c.slug.label("workspace"), teammates.c.email.label("owner"))
    query = query.select_from(api_keys.outerjoin(workspaces).outerjoin(teammates))
    query = query.order_by(api_keys.c.created_at, api_keys.c.name)
    return [ApiKey(**row) for row in (await tx.execute(query)).mappings()]


async def revoke(tx: AsyncConnection, name: str, *, now: datetime, actor: str = COMMAND_LINE) -> bool:
    """Revoke the key, and log who did; return False if no active key has this name."""
    statement = update(api_keys).where(api_keys.c.name == name, api_keys.c.revoked_at.is_(None))
    revoked = (await tx.execute(statement.values(revoked_at=now).returning(api_keys.c.workspace_id))).one_or_none()
    if revoked is None:
        return False
    await log_change(
        tx, SettingsChange(workspace_id=revoked.workspace_id, at=now, actor=actor, what="key.revoked", about=name)
    )
    return True
