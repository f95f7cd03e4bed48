"""Reads whether the data of another system is up to date, from the progress of its periodic sync."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.connection import CALCOM
from showup.database.tables import connections, syncs

SYNC_COLUMNS: Final = tuple(
    syncs.c[name] for name in ("last_ok_at", "failing_since", "because", "next_at", "leased_until")
)

# Processes restart, and the run of another account may take a while.
_OVERDUE_AFTER: Final = timedelta(minutes=30)


class SyncedSystem(Struct, frozen=True):
    """The kind of the system's connections, its name, and a sentence that says why nothing may ask it."""

    kind: str
    name: str
    not_running: str


CALCOM_SYNC: Final = SyncedSystem(
    CALCOM,
    "Cal.com",
    "no process checks it: the account has no API key, or neither `showup serve` nor `showup work` is running",
)
EMAILBISON_SYNC: Final = SyncedSystem(
    "emailbison",
    "EmailBison",
    "no process reads it: its settings or its token are incomplete, or neither `showup serve` nor `showup work` is "
    "running",
)


class SourceHealth(Struct, frozen=True, kw_only=True):
    """Whether another system's data are up to date. `message` is None while they are; `available` None: unknown."""

    available: bool | None
    last_synced_at: datetime | None
    message: str | None


class Outage(Struct, frozen=True):
    """Since when the data is out of date, and why."""

    since: datetime
    because: str | None


def outage_of(row: RowMapping, system: SyncedSystem, now: datetime) -> Outage | None:
    """Returns the outage that a row with SYNC_COLUMNS shows; None while the system answers."""
    is_syncing = row["leased_until"] is not None and row["leased_until"] > now
    if not is_syncing and row["next_at"] < now - _OVERDUE_AFTER:
        return Outage(row["failing_since"] or row["next_at"], system.not_running)
    return None if row["failing_since"] is None else Outage(row["failing_since"], row["because"])


def is_available(row: RowMapping, outage: Outage | None) -> bool | None:
    """Returns whether the system answers; None if it was never asked."""
    return None if row["last_ok_at"] is None and outage is None else outage is None


def unavailable_message(
    outage: Outage | None, system: SyncedSystem, last_ok_at: datetime | None, now: datetime
) -> str | None:
    """Returns the message to show beside data that may be out of date; None while all is well."""
    if outage is None:
        return None
    minutes = max(int((now - outage.since).total_seconds()) // 60, 0)
    synced = "never" if last_ok_at is None else f"{last_ok_at:%Y-%m-%d %H:%M} UTC"
    reason = (outage.because or "it does not respond").rstrip(".")
    return f"{system.name} data unavailable ({reason}, for {minutes} min); last good sync {synced}"


async def source_health(
    tx: AsyncConnection, system: SyncedSystem, workspace_id: UUID | None, now: datetime
) -> SourceHealth:
    """Returns the health of all accounts of a workspace (None: of all workspaces): that of the worst account."""
    query = select(*SYNC_COLUMNS).join_from(syncs, connections).where(connections.c.kind == system.kind)
    if workspace_id is not None:
        query = query.where(connections.c.workspace_id == workspace_id)
    rows = (await tx.execute(query)).mappings().all()
    if not rows:
        return SourceHealth(available=None, last_synced_at=None, message=None)
    synced = [row["last_ok_at"] for row in rows]
    oldest = None if None in synced else min(synced)
    failing = [(outage, row["last_ok_at"]) for row in rows if (outage := outage_of(row, system, now)) is not None]
    if not failing:
        return SourceHealth(available=True, last_synced_at=oldest, message=None)
    outage, last_ok_at = min(failing, key=lambda failure: failure[0].since)
    message = unavailable_message(outage, system, last_ok_at, now)
    return SourceHealth(available=False, last_synced_at=oldest, message=message)
