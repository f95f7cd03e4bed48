"""Lanes: how much each destination of a workspace still has to be told, and whether it is left in peace for now."""

from datetime import datetime

from sqlalchemy import RowMapping, Subquery, and_, func, literal, select, union
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permit import Permit
from showup.database.tables import deliveries, lanes, workspaces
from showup.reads.rows import Found, seen_by

_ON_THEIR_WAY = ("scheduled", "sending")


async def list_lanes(tx: AsyncConnection, permit: Permit, now: datetime) -> list[Found]:
    """The lanes of the permit that were ever told something, or have something to be told, as they are at `now`."""
    counted = _counted(permit, now)
    lane = (lanes.c.workspace_id, lanes.c.destination)
    known = union(
        select(*lane).where(seen_by(permit, lanes)), select(counted.c.workspace_id, counted.c.destination)
    ).subquery()
    query = select(
        workspaces.c.slug.label("workspace"),
        known.c.destination,
        *(func.coalesce(counted.c[name], 0).label(name) for name in ("waiting", "due", "sending")),
        *(lanes.c[name] for name in ("paused_until", "because", "failing_since")),
    ).join_from(known, workspaces, workspaces.c.id == known.c.workspace_id)
    for table in (counted, lanes):
        same = and_(table.c.workspace_id == known.c.workspace_id, table.c.destination == known.c.destination)
        query = query.outerjoin(table, same)
    rows = (await tx.execute(query.order_by(workspaces.c.slug, known.c.destination))).mappings()
    return [_as_of(row, now) for row in rows]


def _counted(permit: Permit, now: datetime) -> Subquery:
    state = deliveries.c.state
    due = and_(state == "scheduled", deliveries.c.wake_at <= literal(now, deliveries.c.wake_at.type))
    query = select(
        deliveries.c.workspace_id,
        deliveries.c.destination,
        func.count().filter(state == "scheduled").label("waiting"),
        func.count().filter(due).label("due"),
        func.count().filter(state == "sending").label("sending"),
    ).where(state.in_(_ON_THEIR_WAY), seen_by(permit, deliveries))
    return query.group_by(deliveries.c.workspace_id, deliveries.c.destination).subquery()


def _as_of(row: RowMapping, now: datetime) -> Found:
    """A pause that is over is none, and a reason that nothing waits for any more explains nothing."""
    paused = row["paused_until"] is not None and row["paused_until"] > now
    state = "paused" if paused else "failing" if row["failing_since"] is not None else "open"
    because = row["because"] if state != "open" else None
    return {**row, "state": state, "paused_until": row["paused_until"] if paused else None, "because": because}
