"""Store the audit of settings: who changed keys, senders, accounts, outgoing webhooks and workspaces, and how.

Rules are events, and stand in the audit log itself.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID, uuid4

from msgspec import Struct
from sqlalchemy import insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.database.tables import settings_log

SettingsEvent: TypeAlias = Literal[
    "key.created",
    "key.revoked",
    "sender.added",
    "sender.changed",
    "sender.removed",
    "account.added",
    "account.secret_rotated",
    "connection.added",
    "connection.changed",
    "connection.removed",
    "endpoint.created",
    "endpoint.changed",
    "endpoint.secret_rotated",
    "endpoint.deleted",
    "workspace.added",
    "workspace.changed",
    "sample.loaded",
    "sample.removed",
    "simulation.removed",
]
COMMAND_LINE: Final = "command line"
"""The actor of a command in a terminal, which has no signed-in user."""


class SettingsChange(Struct, frozen=True, kw_only=True):
    """One change: `about` names the setting, and `change` holds `[before, after]` by field, never a secret.

    `workspace_id` of None: it concerns all workspaces.
    """

    workspace_id: UUID | None
    at: datetime
    actor: str
    what: SettingsEvent
    about: str
    change: Mapping[str, Any] = {}


async def add(tx: AsyncConnection, entry: SettingsChange) -> None:
    """Add an entry, in the transaction of the change itself."""
    row = {name: getattr(entry, name) for name in SettingsChange.__struct_fields__}
    await tx.execute(insert(settings_log).values(id=uuid4(), **row))


async def list_newest(tx: AsyncConnection, workspace_id: UUID, *, limit: int) -> list[SettingsChange]:
    """Return the newest changes of a workspace's settings, and of those of all workspaces, latest first."""
    columns = [settings_log.c[name] for name in SettingsChange.__struct_fields__]
    is_of_it = or_(settings_log.c.workspace_id == workspace_id, settings_log.c.workspace_id.is_(None))
    query = select(*columns).where(is_of_it).order_by(settings_log.c.at.desc(), settings_log.c.id).limit(limit)
    return [SettingsChange(**row) for row in (await tx.execute(query)).mappings()]


async def find_newest(tx: AsyncConnection, workspace_id: UUID, about: str) -> SettingsChange | None:
    """Return the newest change of what a workspace's log names so."""
    columns = [settings_log.c[name] for name in SettingsChange.__struct_fields__]
    is_of_it = (settings_log.c.workspace_id == workspace_id) & (settings_log.c.about == about)
    query = select(*columns).where(is_of_it).order_by(settings_log.c.at.desc(), settings_log.c.id).limit(1)
    row = (await tx.execute(query)).mappings().one_or_none()
    return None if row is None else SettingsChange(**row)


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return `[before, after]` of the fields that differ."""
    return {name: [before.get(name), value] for name, value in after.items() if before.get(name) != value}
