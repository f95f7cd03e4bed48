"""Connections, and what is known of Cal.com behind its accounts: whether it answers, and what it told us late."""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from sqlalchemy import RowMapping, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.connection import CALCOM
from showup.access.permit import Permit
from showup.database.tables import connections, reconciliations, syncs, workspaces
from showup.reads.rows import Found, seen_by

_SHOWN_DRIFT = 10
# Processes start anew, and a run of another account may take its time.
_ASKED_WITHIN = timedelta(minutes=30)
_NOBODY_ASKS = "nobody asks it: the account has no API key any more, or no `showup serve` and no `showup work` runs"

_SYNC = tuple(syncs.c[name] for name in ("last_ok_at", "failing_since", "because", "next_at", "leased_until"))


class CalcomHealth(Struct, frozen=True, kw_only=True):
    """Whether the data of Cal.com is up to date. `message` is None while all is well; None `available`: never asked."""

    available: bool | None
    last_synced_at: datetime | None
    message: str | None


async def calcom_health(tx: AsyncConnection, workspace_id: UUID | None, now: datetime) -> CalcomHealth:
    """Of all accounts of a workspace (None: of all workspaces): as bad as the worst of them."""
    query = select(*_SYNC).join_from(syncs, connections)
    if workspace_id is not None:
        query = query.where(connections.c.workspace_id == workspace_id)
    rows = (await tx.execute(query)).mappings().all()
    if not rows:
        return CalcomHealth(available=None, last_synced_at=None, message=None)
    synced = [row["last_ok_at"] for row in rows]
    oldest = None if None in synced else min(synced)
    failing = [(away, row["last_ok_at"]) for row in rows if (away := _away(row, now)) is not None]
    if not failing:
        return CalcomHealth(available=True, last_synced_at=oldest, message=None)
    (since, because), last_ok_at = min(failing, key=lambda one: one[0][0])
    message = unavailable(because, since, last_ok_at, now)
    return CalcomHealth(available=False, last_synced_at=oldest, message=message)


def _away(row: RowMapping, now: datetime) -> tuple[datetime, str | None] | None:
    """Since when the account's data gets old, and why; None while it is asked and answers."""
    is_at_it = row["leased_until"] is not None and row["leased_until"] > now
    if not is_at_it and row["next_at"] < now - _ASKED_WITHIN:
        return row["failing_since"] or row["next_at"], _NOBODY_ASKS
    return None if row["failing_since"] is None else (row["failing_since"], row["because"])


def unavailable(because: str | None, since: datetime, last_ok_at: datetime | None, now: datetime) -> str:
    """What to say where data of Cal.com is shown that may be old."""
    minutes = max(int((now - since).total_seconds()) // 60, 0)
    synced = "never" if last_ok_at is None else f"{last_ok_at:%Y-%m-%d %H:%M} UTC"
    why = (because or "it does not answer").rstrip(".")
    return f"Cal.com data unavailable ({why}, for {minutes} min); last good sync {synced}"


async def list_connections(tx: AsyncConnection, permit: Permit, now: datetime) -> list[Found]:
    """The permit's connections by workspace, kind and name; Cal.com's accounts with how their last run went."""
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
        .where(seen_by(permit, connections))
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


def _account(row: RowMapping, now: datetime) -> Found:
    away, last_ok_at = _away(row, now), row["last_ok_at"]
    return {
        "available": None if last_ok_at is None and away is None else away is None,
        "last_synced_at": last_ok_at,
        "message": None if away is None else unavailable(away[1], away[0], last_ok_at, now),
        "next_at": row["next_at"],
    }


async def _last_runs(tx: AsyncConnection, account_ids: list[UUID]) -> dict[UUID, Found]:
    newest = (
        select(reconciliations.c.account_id, func.max(reconciliations.c.started_at).label("started_at"))
        .where(reconciliations.c.account_id.in_(account_ids), reconciliations.c.state != "running")
        .group_by(reconciliations.c.account_id)
        .subquery()
    )
    same = and_(
        newest.c.account_id == reconciliations.c.account_id, newest.c.started_at == reconciliations.c.started_at
    )
    fields = ("kind", "state", "because", "started_at", "ended_at", "looked_at", "healed", "drifting", "drift")
    columns = [reconciliations.c[name] for name in ("account_id", *fields)]
    rows = (await tx.execute(select(*columns).join_from(reconciliations, newest, same))).mappings()
    return {
        row["account_id"]: {"last_run": {name: row[name] for name in fields} | {"drift": row["drift"][:_SHOWN_DRIFT]}}
        for row in rows
    }
