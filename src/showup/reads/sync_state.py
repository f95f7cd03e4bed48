"""Reads whether the data of another system is up to date, from the progress of its periodic sync."""

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct
from sqlalchemy import RowMapping

from showup.database.tables import syncs

SYNC_COLUMNS: Final = tuple(
    syncs.c[name] for name in ("last_ok_at", "failing_since", "because", "next_at", "leased_until")
)

# Processes restart, and the run of another account may take a while.
_OVERDUE_AFTER: Final = timedelta(minutes=30)


class SyncedSystem(Struct, frozen=True):
    """The system's name, and a sentence that says why nothing may ask it."""

    name: str
    not_running: str


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
