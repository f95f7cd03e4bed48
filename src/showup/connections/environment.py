"""Connections that the environment sets for the default workspace: showup.toml has everything except the secrets."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import connections_store, workspaces_store
from showup.access.secrets_at_rest import Seal
from showup.access.workspace import DEFAULT
from showup.connections.catalogue import KINDS
from showup.connections.setup import ConnectionSpec, set_up, take_down

NAME: Final = "environment"
"""The name of a connection that comes from the environment."""

_log = structlog.get_logger()


class EnvironmentConnection(Struct, frozen=True, kw_only=True):
    """The environment's settings for one kind. There is no connection unless all of its secrets are set.

    A kind that requires no secret is connected if the environment has any of its settings.
    """

    kind: str
    settings: Mapping[str, Any]
    credentials: Mapping[str, str | None]

    @property
    def is_complete(self) -> bool:
        """Returns whether the environment has everything that such a connection requires."""
        kind = KINDS.get(self.kind)
        if kind is None or kind.missing_secrets(self.credentials):
            return False
        return bool(kind.credentials or self.settings or any(self.credentials.values()))


def check(environment_connection: EnvironmentConnection) -> None:
    """Raises ValueError, with a sentence, for unusable settings; without secrets there is nothing to check."""
    if environment_connection.is_complete:
        KINDS[environment_connection.kind].parse_settings(environment_connection.settings)


async def sync_connection(
    tx: AsyncConnection, seal: Seal, environment_connection: EnvironmentConnection, now: datetime
) -> None:
    """Creates, changes or removes the connection to match the environment; a stored one of its kind stays."""
    workspace = await workspaces_store.find(tx, DEFAULT)
    if workspace is None:
        return
    if not environment_connection.is_complete:
        if await take_down(tx, workspace_id=workspace.id, kind=environment_connection.kind, name=NAME, now=now):
            # It may come from another machine's environment.
            _log.warning("environment connection removed", kind=environment_connection.kind)
        return
    stored = await connections_store.list_connections(tx, workspace_id=workspace.id)
    if other := next(
        (one.name for one in stored if one.kind == environment_connection.kind and one.name != NAME), None
    ):
        _log.warning(
            "environment connection ignored: a stored connection exists", kind=environment_connection.kind, stored=other
        )
        return
    spec = ConnectionSpec(
        workspace_id=workspace.id,
        kind=environment_connection.kind,
        name=NAME,
        settings=environment_connection.settings,
        credentials={name: value for name, value in environment_connection.credentials.items() if value},
    )
    await set_up(tx, seal, spec, now)
