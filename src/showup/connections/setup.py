"""Sets up connections: stores a connection and subscribes its destination to what the settings ask for."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import connections_store, settings_log_store
from showup.access.connection import CALCOM
from showup.access.secrets_at_rest import DecryptionError, Seal
from showup.access.settings_log_store import SettingsChange, changed
from showup.connections.catalogue import KINDS
from showup.connections.quotas import MAX_CONNECTIONS, check_quota
from showup.database.engine import driver_connection
from showup.destinations.destination_kind import DestinationKind, parse_limits
from showup.outbox.delivery import DestinationQueue
from showup.outbox.subscriptions import subscribe
from showup.outbox.wakeups import reopen_queue
from showup.values.storable import check_storable

_MAX_BYTES: Final = 64 * 1024
_LONGEST_LOGGED: Final = 300

ConnectionEvent: TypeAlias = Literal["connection.added", "connection.changed", "connection.removed"]


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


async def amend(tx: AsyncConnection, seal: Seal, spec: ConnectionSpec, now: datetime, *, actor: str) -> None:
    """Changes the named fields like `set_up`; the other fields stay unchanged, and None removes a value.

    The settings' log says who did it. What waits for the connection is tried again at once.
    """
    before = await connections_store.find(tx, workspace_id=spec.workspace_id, kind=spec.kind, name=spec.name)
    settings = {} if before is None else before.settings
    credentials = spec.credentials
    if before is not None and credentials is not None:
        credentials = _merged(await _readable_credentials(tx, seal, before.id), credentials)
    after = _merged(settings, spec.settings)
    await set_up(tx, seal, replace(spec, settings=after, credentials=credentials), now)
    change: dict[str, Any] = {
        name: [_logged(old), _logged(new)]
        for name, (old, new) in (changed(settings, dict.fromkeys(settings) | after)).items()
    }
    if spec.credentials:
        change["secrets"] = [None, ", ".join(sorted(spec.credentials))]
    if before is None or change:
        event: ConnectionEvent = "connection.added" if before is None else "connection.changed"
        await _record(tx, spec.workspace_id, name_in_log(spec.kind, spec.name), event, actor, now, change)
    if spec.kind == CALCOM:
        return
    # What it failed with says nothing about the new settings.
    queue = DestinationQueue(workspace_id=spec.workspace_id, destination=_destination_of(spec.kind))
    await reopen_queue(await driver_connection(tx), queue, now)


async def _readable_credentials(tx: AsyncConnection, seal: Seal, connection_id: UUID) -> dict[str, Any]:
    """Returns the stored secrets; none where they can't be decrypted: new ones repair that."""
    try:
        return await connections_store.credentials(tx, seal, connection_id) or {}
    except DecryptionError:
        return {}


def name_in_log(kind: str, name: str) -> str:
    """Returns how the settings' log names a connection."""
    return f"{kind} {name}"


async def _record(  # what a line of the log says
    tx: AsyncConnection,
    workspace_id: UUID,
    about: str,
    event: ConnectionEvent,
    actor: str,
    now: datetime,
    change: Mapping[str, Any],
) -> None:
    entry = SettingsChange(workspace_id=workspace_id, at=now, actor=actor, what=event, about=about, change=change)
    await settings_log_store.add(tx, entry)


def _logged(value: Any) -> Any:
    """Returns a setting as the log keeps it: a text of limited length."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        value = [f"{key} = {one}" for key, one in value.items()]
    text = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return text if len(text) <= _LONGEST_LOGGED else f"{text[:_LONGEST_LOGGED]}…"


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


async def take_down(
    tx: AsyncConnection, *, workspace_id: UUID, kind: str, name: str, now: datetime, actor: str | None = None
) -> bool:
    """Removes the connection and returns whether it existed. Its scheduled deliveries stay and wait.

    `actor`: the person, for the settings' log; None for the environment, which has no line there.
    """
    if not await connections_store.remove(tx, workspace_id=workspace_id, kind=kind, name=name):
        return False
    if actor is not None:
        await _record(tx, workspace_id, name_in_log(kind, name), "connection.removed", actor, now, {})
    connection = await driver_connection(tx)
    await subscribe(connection, workspace_id, kind, (), now)
    # What it failed with says nothing about the connection that may replace it.
    queue = DestinationQueue(workspace_id=workspace_id, destination=_destination_of(kind))
    await reopen_queue(connection, queue, now)
    return True


def _destination_of(kind: str) -> str:
    return "email" if kind in ("resend", "smtp") else kind
