"""The connections that the environment makes for the default workspace: showup.toml says all but the secrets."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import connections_store, workspaces_store
from showup.access.secrets_at_rest import Seal
from showup.access.workspace import DEFAULT
from showup.deliveries.setting_up import Wanted, set_up, take_down
from showup.destinations.catalogue import KINDS

NAME: Final = "environment"
"""How a connection is called that the environment makes."""

_log = structlog.get_logger()


class Given(Struct, frozen=True, kw_only=True):
    """What the environment says of one kind. Without all of its secrets there is no connection."""

    kind: str
    settings: Mapping[str, Any]
    credentials: Mapping[str, str | None]

    @property
    def is_there(self) -> bool:
        """Whether the environment has what such a connection cannot be without."""
        return self.kind in KINDS and not KINDS[self.kind].missing(self.credentials)


def check(given: Given) -> None:
    """Raises ValueError, with a sentence, for settings that can't be used; without secrets nothing is to be used."""
    if given.is_there:
        KINDS[given.kind].read(given.settings)


async def adopt_connection(tx: AsyncConnection, seal: Seal, given: Given, now: datetime) -> None:
    """Makes the connection be as the environment says, or not be if it says nothing; a stored one of its kind stays."""
    workspace = await workspaces_store.find(tx, DEFAULT)
    if workspace is None:
        return
    if not given.is_there:
        if await take_down(tx, workspace_id=workspace.id, kind=given.kind, name=NAME, now=now):
            # Perhaps another machine's environment had made it.
            _log.warning("the environment has no such connection any more: it is removed", kind=given.kind)
        return
    stored = await connections_store.list_connections(tx, workspace_id=workspace.id)
    if other := next((one.name for one in stored if one.kind == given.kind and one.name != NAME), None):
        _log.warning("the environment's connection is passed over: one is stored", kind=given.kind, stored=other)
        return
    wanted = Wanted(
        workspace_id=workspace.id,
        kind=given.kind,
        name=NAME,
        settings=given.settings,
        credentials={name: value for name, value in given.credentials.items() if value},
    )
    await set_up(tx, seal, wanted, now)
