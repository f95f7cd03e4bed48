"""Who may sign what a connected system says: its stored connections, by their name in a path."""

from typing import Any, Final
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.secrets_at_rest import Seal, Unsealable
from showup.database.tables import connections, workspaces

_log = structlog.get_logger()


class Signer(Struct, frozen=True, kw_only=True):
    """One who signs for a workspace; without a secret nobody can."""

    workspace_id: UUID
    secret: str | None


_WEBHOOK_SECRET: Final = "webhook_secret"  # noqa: S105  # its name among the credentials


async def signers(tx: AsyncConnection, seal: Seal, *, kind: str, name: str) -> list[Signer]:
    """The connections of this kind and name; several workspaces may have one."""
    query = (
        select(connections.c.workspace_id, connections.c.credentials)
        .join_from(connections, workspaces)
        .where(connections.c.kind == kind, connections.c.name == name)
        .order_by(workspaces.c.slug)
    )
    rows = (await tx.execute(query)).mappings()
    return [
        Signer(workspace_id=row["workspace_id"], secret=_secret(seal, row["credentials"], name, _WEBHOOK_SECRET))
        for row in rows
    ]


async def signers_of_kind(tx: AsyncConnection, seal: Seal, *, kind: str, secret: str) -> list[Signer]:
    """The connections of this kind, whatever their names; `secret` is what the secret is called among credentials."""
    query = (
        select(connections.c.workspace_id, connections.c.name, connections.c.credentials)
        .join_from(connections, workspaces)
        .where(connections.c.kind == kind)
        .order_by(workspaces.c.slug, connections.c.name)
    )
    rows = (await tx.execute(query)).mappings()
    return [
        Signer(workspace_id=row["workspace_id"], secret=_secret(seal, row["credentials"], row["name"], secret))
        for row in rows
    ]


def _secret(seal: Seal, sealed: bytes | None, name: str, field: str) -> str | None:
    if sealed is None:
        return None
    try:
        found = msgspec.json.decode(seal.open(sealed), type=dict[str, Any]).get(field)
    except (Unsealable, msgspec.DecodeError) as fault:
        _log.error("connection_unusable", connection=name, because=str(fault))
        return None
    return found if isinstance(found, str) else None
