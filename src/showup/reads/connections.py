"""Reads connections, and the state of Cal.com accounts: whether Cal.com responds, and which data is out of date."""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from sqlalchemy import RowMapping, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.connection import CALCOM
from showup.access.permission import Permission
from showup.database.tables import connections, reconciliations, syncs, workspaces
from showup.reads.rows import Item, visible_to

_MAX_DRIFT_SHOWN = 10
# Processes restart, and the run of another account may take a while.
_SYNC_OVERDUE_AFTER = timedelta(minutes=30)
_SYNC_NOT_RUNNING = (
    "no process checks it: the account has no API key, or neither `showup serve` nor `showup work` is running"
)

_SYNC = tuple(syncs.c[name] for name in ("last_ok_at", "failing_since", "because", "next_at", "leased_until"))


class SourceHealth(Struct, frozen=True, kw_only=True):
    """Whether the data of Cal.com or EmailBison are up to date; `message` is None while they are.

    `available` None: never checked.
    """

    available: bool | None
    last_synced_at: datetime | None
    message: str | None


async def calcom_health(tx: AsyncConnection, workspace_id: UUID | None, now: datetime) -> SourceHealth:
    """Returns the health of all accounts of a workspace (None: of all workspaces): that of the worst account."""
    query = select(*_SYNC).join_from(syncs, connections)
    if workspace_id is not None:
        query = query.where(connections.c.workspace_id == workspace_id)
    rows = (await tx.execute(query)).mappings().all()
    if not rows:
        return SourceHealth(available=None, last_synced_at=None, message=None)
    synced = [row["last_ok_at"] for row in rows]
    oldest = None if None in synced else min(synced)
    failing = [(outage, row["last_ok_at"]) for row in rows if (outage := _outage_of(row, now)) is not None]
    if not failing:
        return SourceHealth(available=True, last_synced_at=oldest, message=None)
    (since, reason), last_ok_at = min(failing, key=lambda failure: failure[0][0])
    message = unavailable_message(reason, since, last_ok_at, now)
    return SourceHealth(available=False, last_synced_at=oldest, message=message)


def _outage_of(row: RowMapping, now: datetime) -> tuple[datetime, str | None] | None:
    """Returns since when the account's data is out of date, and why; None while Cal.com responds."""
    is_syncing = row["leased_until"] is not None and row["leased_until"] > now
    if not is_syncing and row["next_at"] < now - _SYNC_OVERDUE_AFTER:
        return row["failing_since"] or row["next_at"], _SYNC_NOT_RUNNING
    return None if row["failing_since"] is None else (row["failing_since"], row["because"])


def unavailable_message(reason: str | None, since: datetime, last_ok_at: datetime | None, now: datetime) -> str:
    """Returns the message to show beside Cal.com data that may be out of date."""
    minutes = max(int((now - since).total_seconds()) // 60, 0)
    synced = "never" if last_ok_at is None else f"{last_ok_at:%Y-%m-%d %H:%M} UTC"
    reason_text = (reason or "it does not respond").rstrip(".")
    return f"Cal.com data unavailable ({reason_text}, for {minutes} min); last good sync {synced}"


async def list_connections(tx: AsyncConnection, permission: Permission, now: datetime) -> list[Item]:
    """Returns the visible connections by workspace, kind and name; Cal.com accounts with their last run's result."""
    query = (
        select(
            *(connections.c[name] for name in ("id", "kind", "name", "settings")),
            workspaces.c.slug.label("workspace"),
            connections.c.credentials.is_not(None).label("has_credentials"),
            syncs.c.account_id,
            *_SYNC,
        )
        .join_from(connections, workspaces, workspaces.c.id == connections.c.workspace_id)
        .outerjoin(syncs, syncs.c.account_id == connections.c.id)
        .where(visible_to(permission, connections))
        .order_by(workspaces.c.slug, connections.c.kind, connections.c.name)
    )
    rows = (await tx.execute(query)).mappings().all()
    runs = await _last_runs(tx, [row["id"] for row in rows if row["account_id"] is not None])
    shown = ("id", "workspace", "kind", "name", "settings", "has_credentials")
    return [
        {
            **{name: row[name] for name in shown},
            "calcom": None
            if row["kind"] != CALCOM or row["account_id"] is None
            else _account(row, now) | runs.get(row["id"], {"last_run": None}),
        }
        for row in rows
    ]


def _account(row: RowMapping, now: datetime) -> Item:
    outage, last_ok_at = _outage_of(row, now), row["last_ok_at"]
    return {
        "available": None if last_ok_at is None and outage is None else outage is None,
        "last_synced_at": last_ok_at,
        "message": None if outage is None else unavailable_message(outage[1], outage[0], last_ok_at, now),
        "next_at": row["next_at"],
    }


async def _last_runs(tx: AsyncConnection, account_ids: list[UUID]) -> dict[UUID, Item]:
    newest = (
        select(reconciliations.c.account_id, func.max(reconciliations.c.started_at).label("started_at"))
        .where(reconciliations.c.account_id.in_(account_ids), reconciliations.c.state != "running")
        .group_by(reconciliations.c.account_id)
        .subquery()
    )
    is_newest = and_(
        newest.c.account_id == reconciliations.c.account_id, newest.c.started_at == reconciliations.c.started_at
    )
    fields = ("kind", "state", "because", "started_at", "ended_at", "checked", "repaired", "drifting", "drift")
    stored_names = {"checked": "looked_at"}
    columns = [reconciliations.c[stored_names.get(name, name)].label(name) for name in ("account_id", *fields)]
    rows = (await tx.execute(select(*columns).join_from(reconciliations, newest, is_newest))).mappings()
    return {
        row["account_id"]: {
            "last_run": {name: row[name] for name in fields} | {"drift": row["drift"][:_MAX_DRIFT_SHOWN]}
        }
        for row in rows
    }
