"""A source of leads: the EmailBison connection of one workspace."""

from typing import Final
from uuid import UUID

import structlog
from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import connections_store
from showup.access.connection import Connection
from showup.access.secrets_at_rest import DecryptionError, Seal
from showup.database.tables import workspaces
from showup.destinations.emailbison.health import KIND
from showup.destinations.emailbison.settings import EmailBisonSettings

_log = structlog.get_logger()

EMAILBISON: Final = KIND.name


class LeadSource(Struct, frozen=True, kw_only=True):
    """A connection with what a client needs. Its token is a secret: never show it."""

    connection: Connection
    workspace_id: UUID
    settings: EmailBisonSettings
    token: str

    @property
    def id(self) -> UUID:
        """Returns the connection's id."""
        return self.connection.id

    @property
    def url(self) -> str:
        """Returns the address of the API."""
        return self.settings.url


async def list_sources(tx: AsyncConnection, seal: Seal) -> list[LeadSource]:
    """Returns the usable connections to EmailBison, by workspace."""
    ids = {row.slug: row.id for row in await tx.execute(select(workspaces.c.slug, workspaces.c.id))}
    found = []
    for connection in await connections_store.list_connections(tx):
        if connection.kind == EMAILBISON and (source := await _open(tx, seal, connection, ids)) is not None:
            found.append(source)
    return found


async def _open(
    tx: AsyncConnection, seal: Seal, connection: Connection, workspace_ids: dict[str, UUID]
) -> LeadSource | None:
    try:
        settings = KIND.parse_settings(connection.settings)
        assert isinstance(settings, EmailBisonSettings), "the kind's own settings"
        _ = settings.url  # it must be set
        credentials = await connections_store.credentials(tx, seal, connection.id) or {}
    except (ValueError, DecryptionError) as fault:
        _log.warning("EmailBison connection skipped", connection=connection.name, because=str(fault))
        return None
    if not credentials.get("api_key"):
        return None
    return LeadSource(
        connection=connection,
        workspace_id=workspace_ids[connection.workspace],
        settings=settings,
        token=str(credentials["api_key"]),
    )
