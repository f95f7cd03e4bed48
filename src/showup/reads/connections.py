"""Reads connections, and the state of those that are read: whether the system responds, and what is out of date."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.connection import CALCOM
from showup.access.permission import Permission
from showup.database.tables import connections, reconciliations, syncs, workspaces
from showup.reads.lead_sources import EMAILBISON, as_item, lead_source_states
from showup.reads.rows import Item, visible_to
from showup.reads.sync_state import CALCOM_SYNC, SYNC_COLUMNS, is_available, outage_of, unavailable_message

_MAX_DRIFT_SHOWN = 10


async def list_connections(tx: AsyncConnection, permission: Permission, now: datetime) -> list[Item]:
    """Returns the visible connections by workspace, kind and name; those that are read with their state."""
    query = (
        select(
            *(connections.c[name] for name in ("id", "kind", "name", "settings")),
            workspaces.c.slug.label("workspace"),
            connections.c.credentials.is_not(None).label("has_credentials"),
            connections.c.workspace_id,
            syncs.c.account_id,
            *SYNC_COLUMNS,
        )
        .join_from(connections, workspaces, workspaces.c.id == connections.c.workspace_id)
        .outerjoin(syncs, syncs.c.account_id == connections.c.id)
        .where(visible_to(permission, connections))
        .order_by(workspaces.c.slug, connections.c.kind, connections.c.name)
    )
    rows = (await tx.execute(query)).mappings().all()
    runs = await _last_runs(tx, [row["id"] for row in rows if row["account_id"] is not None])
    readers = {row["workspace_id"]: row["id"] for row in rows if row["kind"] == EMAILBISON}
    leads = {
        readers[workspace_id]: as_item(state)
        for workspace_id, state in (await lead_source_states(tx, readers, now)).items()
    }
    shown = ("id", "workspace", "kind", "name", "settings", "has_credentials")
    return [
        {
            **{name: row[name] for name in shown},
            "calcom": None
            if row["kind"] != CALCOM or row["account_id"] is None
            else _account(row, now) | runs.get(row["id"], {"last_run": None}),
            "emailbison": leads.get(row["id"]),
        }
        for row in rows
    ]


def _account(row: RowMapping, now: datetime) -> Item:
    outage = outage_of(row, CALCOM_SYNC, now)
    return {
        "available": is_available(row, outage),
        "last_synced_at": row["last_ok_at"],
        "message": unavailable_message(outage, CALCOM_SYNC, row["last_ok_at"], now),
        "next_at": row["next_at"],
    }


async def _last_runs(tx: AsyncConnection, account_ids: list[UUID]) -> dict[UUID, Item]:
    newest = (
        select(reconciliations.c.account_id, func.max(reconciliations.c.started_at).label("started_at"))
        .where(reconciliations.c.account_id.in_(account_ids), reconciliations.c.state.in_(("done", "failed")))
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
