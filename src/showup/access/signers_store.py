"""Find the stored connections that may sign incoming requests, by their name in a path."""

from typing import Any, Final
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.secrets_at_rest import DecryptionError, Seal
from showup.database.tables import connections, workspaces

_log = structlog.get_logger()


class Signer(Struct, frozen=True, kw_only=True):
    """A connection that signs for a workspace; without a secret, no signature is valid."""

    workspace_id: UUID
    secret: str | None


_WEBHOOK_SECRET: Final = "webhook_secret"  # noqa: S105  # its name among the credentials


async def list_signers(tx: AsyncConnection, seal: Seal, *, kind: str, name: str) -> list[Signer]:
    """Return the connections of this kind and name; several workspaces may have one."""
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


async def list_signers_of_kind(tx: AsyncConnection, seal: Seal, *, kind: str, secret_field: str) -> list[Signer]:
    """Return the connections of this kind, whatever their names; `secret_field` names the secret in the credentials."""
    query = (
        select(connections.c.workspace_id, connections.c.name, connections.c.credentials)
        .join_from(connections, workspaces)
        .where(connections.c.kind == kind)
        .order_by(workspaces.c.slug, connections.c.name)
    )
    rows = (await tx.execute(query)).mappings()
    return [
        Signer(workspace_id=row["workspace_id"], secret=_secret(seal, row["credentials"], row["name"], secret_field))
        for row in rows
    ]


def _secret(seal: Seal, sealed: bytes | None, name: str, field: str) -> str | None:
    if sealed is None:
        return None
    try:
        value = msgspec.json.decode(seal.decrypt(sealed), type=dict[str, Any]).get(field)
    except (DecryptionError, msgspec.DecodeError) as error:
        _log.error("connection_unusable", connection=name, because=str(error))
        return None
    return value if isinstance(value, str) else None
