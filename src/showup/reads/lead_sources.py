"""Reads the state of a workspace's EmailBison: whether its data is up to date, and how far the import came."""

from collections.abc import Collection
from datetime import datetime
from typing import Final, Literal, TypeAlias
from uuid import UUID

from msgspec import Struct
from sqlalchemy import RowMapping, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.tables import connections, lead_sources, lead_walks, reported_leads, syncs
from showup.reads.rows import Item, visible_to
from showup.reads.sync_state import EMAILBISON_SYNC, SYNC_COLUMNS, is_available, outage_of, unavailable_message

EMAILBISON: Final = EMAILBISON_SYNC.kind
ImportState: TypeAlias = Literal["waiting", "running", "done"]

_SOURCE = (lead_sources.c.number, lead_sources.c.name.label("source_name"), lead_sources.c.statistics_read_at)


class LeadSourceState(Struct, frozen=True, kw_only=True):
    """Whether EmailBison's data is up to date. Its last good data stays while EmailBison is unavailable.

    `available`: None before the first sync. `message`: to show beside the data; None while all is well. `number` and
    `name` are those of EmailBison's workspace. The first import has `read` of `expected` leads (None: unknown).
    `reported` are leads that webhooks named and that are not read yet.
    """

    available: bool | None
    last_synced_at: datetime | None
    message: str | None
    next_at: datetime
    number: int | None
    name: str | None
    statistics_read_at: datetime | None
    import_state: ImportState
    read: int
    expected: int | None
    imported_at: datetime | None
    reported: int


async def lead_source_state(tx: AsyncConnection, workspace_id: UUID, now: datetime) -> LeadSourceState | None:
    """Returns the state of the workspace's EmailBison; None for a workspace that reads none."""
    return (await lead_source_states(tx, [workspace_id], now)).get(workspace_id)


async def lead_source_states(
    tx: AsyncConnection, workspace_ids: Collection[UUID], now: datetime
) -> dict[UUID, LeadSourceState]:
    """Returns the states of these workspaces' EmailBison, by workspace."""
    query = (
        select(connections.c.workspace_id, *SYNC_COLUMNS, *_SOURCE)
        .join_from(connections, syncs, syncs.c.account_id == connections.c.id)
        .outerjoin(lead_sources, lead_sources.c.connection_id == connections.c.id)
        .where(connections.c.kind == EMAILBISON, connections.c.workspace_id.in_(workspace_ids))
    )
    rows = (await tx.execute(query)).mappings().all()
    walks = await _import_walks(tx, workspace_ids)
    reported = await _count_reported(tx, workspace_ids)
    return {
        row["workspace_id"]: _state(row, walks.get(row["workspace_id"]), reported.get(row["workspace_id"], 0), now)
        for row in rows
    }


async def workspace_of_source(tx: AsyncConnection, permission: Permission, number: int) -> UUID | None:
    """Returns the workspace that reads this workspace of EmailBison; None if the permission allows none, or several."""
    query = select(lead_sources.c.workspace_id).where(
        lead_sources.c.number == number, visible_to(permission, lead_sources)
    )
    found = set((await tx.scalars(query)).all())
    return found.pop() if len(found) == 1 else None


def as_item(state: LeadSourceState) -> Item:
    """Returns the state as the API shows it."""
    return {
        "available": state.available,
        "last_synced_at": state.last_synced_at,
        "message": state.message,
        "next_at": state.next_at,
        "workspace_number": state.number,
        "workspace_name": state.name,
        "statistics_read_at": state.statistics_read_at,
        "leads": {
            "state": state.import_state,
            "read": state.read,
            "expected": state.expected,
            "ended_at": state.imported_at,
        },
        "reported": state.reported,
    }


async def _import_walks(tx: AsyncConnection, workspace_ids: Collection[UUID]) -> dict[UUID, RowMapping]:
    walk = lead_walks.c
    query = select(walk.workspace_id, walk.read, walk.expected, walk.started_at, walk.first_ended_at)
    rows = await tx.execute(query.where(walk.workspace_id.in_(workspace_ids), walk.list == "leads"))
    return {row["workspace_id"]: row for row in rows.mappings()}


async def _count_reported(tx: AsyncConnection, workspace_ids: Collection[UUID]) -> dict[UUID, int]:
    query = select(reported_leads.c.workspace_id, func.count().label("number")).group_by(reported_leads.c.workspace_id)
    rows = await tx.execute(query.where(reported_leads.c.workspace_id.in_(workspace_ids)))
    return {row.workspace_id: row.number for row in rows}


def _state(row: RowMapping, walk: RowMapping | None, reported: int, now: datetime) -> LeadSourceState:
    outage = outage_of(row, EMAILBISON_SYNC, now)
    imported_at = None if walk is None else walk["first_ended_at"]
    has_begun = walk is not None and walk["started_at"] is not None
    return LeadSourceState(
        available=is_available(row, outage),
        last_synced_at=row["last_ok_at"],
        message=unavailable_message(outage, EMAILBISON_SYNC, row["last_ok_at"], now),
        next_at=row["next_at"],
        number=row["number"],
        name=row["source_name"],
        statistics_read_at=row["statistics_read_at"],
        import_state="done" if imported_at is not None else "running" if has_begun else "waiting",
        read=0 if walk is None else walk["read"],
        expected=None if walk is None else walk["expected"],
        imported_at=imported_at,
        reported=reported,
    )
