"""Sets up connections: stores a connection and subscribes its destination to what the settings ask for."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import connections_store
from showup.access.connection import CALCOM
from showup.access.secrets_at_rest import Seal
from showup.connections.catalogue import KINDS
from showup.connections.quotas import MAX_CONNECTIONS, check_quota
from showup.database.engine import driver_connection
from showup.destinations.destination_kind import DestinationKind, parse_limits
from showup.outbox.delivery import DestinationQueue
from showup.outbox.subscriptions import subscribe
from showup.outbox.wakeups import reopen_queue
from showup.values.storable import check_storable

_MAX_BYTES: Final = 64 * 1024


class ConnectionSpec(Struct, frozen=True, kw_only=True):
    """The wanted connection. `credentials` of None stay unchanged. Secrets are in plain text: never show them."""

    workspace_id: UUID
    kind: str
    name: str
    settings: Mapping[str, Any]
    credentials: Mapping[str, Any] | None = None


async def set_up(tx: AsyncConnection, seal: Seal, spec: ConnectionSpec, now: datetime) -> None:
    """Creates or changes the connection and subscribes it. Raises ValueError for unusable settings, and QuotaReached.

    A workspace has one connection of each kind that receives deliveries: two CRMs of one kind could not be
    distinguished.
    """
    for values in (spec.name, spec.settings, spec.credentials):
        check_storable(values)
    kind = KINDS.get(spec.kind)
    settings = None
    if kind is not None:
        settings = kind.parse_settings(spec.settings)
        await _check(tx, kind, spec)
    else:
        parse_limits(spec.settings)
    if len(msgspec.json.encode([spec.settings, spec.credentials])) > _MAX_BYTES:
        raise ValueError(f"the settings and credentials are too long: they may have {_MAX_BYTES:,} bytes as JSON")
    await _check_number(tx, spec)
    connection_id = await connections_store.upsert(
        tx,
        seal,
        workspace_id=spec.workspace_id,
        kind=spec.kind,
        name=spec.name,
        settings=spec.settings,
        credentials=spec.credentials,
    )
    if kind is not None and settings is not None:
        secrets = await connections_store.credentials(tx, seal, connection_id) or {}
        await subscribe(
            await driver_connection(tx), spec.workspace_id, spec.kind, kind.enabled_events(settings, secrets), now
        )


async def amend(tx: AsyncConnection, seal: Seal, spec: ConnectionSpec, now: datetime) -> None:
    """Changes the named fields like `set_up`; the other fields stay unchanged, and None removes a value."""
    before = await connections_store.find(tx, workspace_id=spec.workspace_id, kind=spec.kind, name=spec.name)
    settings = {} if before is None else before.settings
    credentials = spec.credentials
    if before is not None and credentials is not None:
        credentials = _merged(await connections_store.credentials(tx, seal, before.id) or {}, credentials)
    await set_up(tx, seal, replace(spec, settings=_merged(settings, spec.settings), credentials=credentials), now)


def _merged(before: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**before, **changes}.items() if value is not None}


async def _check(tx: AsyncConnection, kind: DestinationKind, spec: ConnectionSpec) -> None:
    others = await connections_store.list_connections(tx, workspace_id=spec.workspace_id)
    if other := next((one.name for one in others if one.kind == kind.name and one.name != spec.name), None):
        raise ValueError(f"the workspace already has the {kind.name} connection {other!r}: change that one")
    if spec.credentials is not None and (unknown := kind.unknown_secrets(spec.credentials)):
        names = ", ".join(sorted(kind.all_credentials))
        raise ValueError(f"{kind.name} has no secret {unknown[0]!r} (it has {names})")
    if spec.credentials is not None and (missing := kind.missing_secrets(spec.credentials)):
        raise ValueError(f"{kind.name} needs these credentials: {', '.join(missing)}")


async def _check_number(tx: AsyncConnection, spec: ConnectionSpec) -> None:
    stored = await connections_store.list_connections(tx, workspace_id=spec.workspace_id)
    if spec.kind != CALCOM and not any((one.kind, one.name) == (spec.kind, spec.name) for one in stored):
        check_quota("connections", sum(one.kind != CALCOM for one in stored), MAX_CONNECTIONS)


async def take_down(tx: AsyncConnection, *, workspace_id: UUID, kind: str, name: str, now: datetime) -> bool:
    """Removes the connection and returns whether it existed. Its scheduled deliveries stay and wait."""
    if not await connections_store.remove(tx, workspace_id=workspace_id, kind=kind, name=name):
        return False
    connection = await driver_connection(tx)
    await subscribe(connection, workspace_id, kind, (), now)
    # What it failed with says nothing about the connection that may replace it.
    queue = DestinationQueue(workspace_id=workspace_id, destination=_destination_of(kind))
    await reopen_queue(connection, queue, now)
    return True


def _destination_of(kind: str) -> str:
    return "email" if kind in ("resend", "smtp") else kind
