"""A source of leads: the EmailBison connection of one workspace."""

from typing import Final
from uuid import UUID

import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import connections_store, workspaces_store
from showup.access.connection import Connection
from showup.access.secrets_at_rest import DecryptionError, Seal
from showup.destinations.emailbison.health import KIND
from showup.destinations.emailbison.settings import EmailBisonSettings

_log = structlog.get_logger()

EMAILBISON: Final = KIND.name


class LeadSource(Struct, frozen=True, kw_only=True):
    """A connection with what a client needs. Its token is a secret: never show it.

    `seal` recognises people who were erased.
    """

    connection: Connection
    workspace_id: UUID
    settings: EmailBisonSettings
    token: str
    seal: Seal | None = None

    @property
    def id(self) -> UUID:
        """Returns the connection's id."""
        return self.connection.id

    @property
    def url(self) -> str:
        """Returns the address of the API."""
        return self.settings.url


async def list_sources(tx: AsyncConnection, seal: Seal) -> list[LeadSource]:
    """Returns the connections to EmailBison that are read, by workspace."""
    ids = {one.slug: one.id for one in await workspaces_store.list_workspaces(tx)}
    stored = [one for one in await connections_store.list_connections(tx) if one.kind == EMAILBISON]
    opened = [await _open(tx, seal, one, ids) for one in stored]
    return [one for one in opened if one is not None]


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
    if not credentials.get("api_key") or not settings.import_leads:
        return None
    return LeadSource(
        connection=connection,
        workspace_id=workspace_ids[connection.workspace],
        settings=settings,
        token=str(credentials["api_key"]),
        seal=seal,
    )
