"""Connecting a destination: its connection is kept, and from then on it is told what its settings ask for."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import connections_store
from showup.access.secrets_at_rest import Seal
from showup.database.engine import raw
from showup.deliveries.subscribing import subscribe
from showup.destinations.catalogue import KINDS
from showup.destinations.kind import Kind


class Wanted(Struct, frozen=True, kw_only=True):
    """A connection as it is to be; `credentials` of None stay as they are. Secrets in the clear: never shown."""

    workspace_id: UUID
    kind: str
    name: str
    settings: Mapping[str, Any]
    credentials: Mapping[str, Any] | None = None


async def set_up(tx: AsyncConnection, seal: Seal, wanted: Wanted, now: datetime) -> None:
    """Makes or changes the connection, and subscribes it. Raises ValueError for what can't be used.

    A workspace has one connection of each kind that can be told: two CRMs of a kind could not be told apart.
    """
    known = KINDS.get(wanted.kind)
    settings = None
    if known is not None:
        settings = known.read(wanted.settings)
        await _check(tx, known, wanted)
    connection_id = await connections_store.put(
        tx,
        seal,
        workspace_id=wanted.workspace_id,
        kind=wanted.kind,
        name=wanted.name,
        settings=wanted.settings,
        credentials=wanted.credentials,
    )
    if known is not None and settings is not None:
        secrets = await connections_store.credentials(tx, seal, connection_id) or {}
        await subscribe(await raw(tx), wanted.workspace_id, wanted.kind, known.told(settings, secrets), now)


async def amend(tx: AsyncConnection, seal: Seal, wanted: Wanted, now: datetime) -> None:
    """As `set_up`, for what is named: the rest of a connection stays as it is, and None takes something away."""
    before = await connections_store.find(tx, workspace_id=wanted.workspace_id, kind=wanted.kind, name=wanted.name)
    settings = {} if before is None else before.settings
    credentials = wanted.credentials
    if before is not None and credentials is not None:
        credentials = _amended(await connections_store.credentials(tx, seal, before.id) or {}, credentials)
    await set_up(tx, seal, replace(wanted, settings=_amended(settings, wanted.settings), credentials=credentials), now)


def _amended(before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**before, **given}.items() if value is not None}


async def _check(tx: AsyncConnection, kind: Kind, wanted: Wanted) -> None:
    others = await connections_store.list_connections(tx, workspace_id=wanted.workspace_id)
    if other := next((one.name for one in others if one.kind == kind.name and one.name != wanted.name), None):
        raise ValueError(f"the workspace has the {kind.name} connection {other!r} already: change that one")
    if wanted.credentials is not None and (unknown := kind.unknown(wanted.credentials)):
        known = ", ".join(sorted({*kind.credentials, *kind.only_with.values()}))
        raise ValueError(f"{kind.name} has no secret {unknown[0]!r} (it has {known})")
    if wanted.credentials is not None and (missing := kind.missing(wanted.credentials)):
        raise ValueError(f"{kind.name} needs its {', '.join(missing)} among the credentials")


async def take_down(tx: AsyncConnection, *, workspace_id: UUID, kind: str, name: str, now: datetime) -> bool:
    """Removes the connection; whether there was one. What was scheduled for it stays, and waits."""
    if not await connections_store.remove(tx, workspace_id=workspace_id, kind=kind, name=name):
        return False
    await subscribe(await raw(tx), workspace_id, kind, (), now)
    return True
