"""Destination queues: how many deliveries wait, and whether a destination is paused after repeated failures."""

from datetime import datetime

from sqlalchemy import RowMapping, Subquery, and_, func, literal, select, union
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.tables import deliveries, destination_queues, workspaces
from showup.reads.rows import Item, visible_to

_IN_FLIGHT_STATES = ("scheduled", "sending")


async def list_queues(tx: AsyncConnection, permission: Permission, now: datetime) -> list[Item]:
    """Returns the permission's queues that have or had deliveries, as they are at `now`."""
    counts = _count_by_queue(permission, now)
    queue_key = (destination_queues.c.workspace_id, destination_queues.c.destination)
    known_queues = union(
        select(*queue_key).where(visible_to(permission, destination_queues)),
        select(counts.c.workspace_id, counts.c.destination),
    ).subquery()
    query = select(
        workspaces.c.slug.label("workspace"),
        known_queues.c.destination,
        *(func.coalesce(counts.c[name], 0).label(name) for name in ("waiting", "due", "sending")),
        *(destination_queues.c[name] for name in ("paused_until", "because", "failing_since")),
    ).join_from(known_queues, workspaces, workspaces.c.id == known_queues.c.workspace_id)
    for table in (counts, destination_queues):
        is_same_queue = and_(
            table.c.workspace_id == known_queues.c.workspace_id, table.c.destination == known_queues.c.destination
        )
        query = query.outerjoin(table, is_same_queue)
    rows = (await tx.execute(query.order_by(workspaces.c.slug, known_queues.c.destination))).mappings()
    return [_with_state(row, now) for row in rows]


def _count_by_queue(permission: Permission, now: datetime) -> Subquery:
    state = deliveries.c.state
    is_due = and_(state == "scheduled", deliveries.c.wake_at <= literal(now, deliveries.c.wake_at.type))
    query = select(
        deliveries.c.workspace_id,
        deliveries.c.destination,
        func.count().filter(state == "scheduled").label("waiting"),
        func.count().filter(is_due).label("due"),
        func.count().filter(state == "sending").label("sending"),
    ).where(state.in_(_IN_FLIGHT_STATES), visible_to(permission, deliveries))
    return query.group_by(deliveries.c.workspace_id, deliveries.c.destination).subquery()


def _with_state(row: RowMapping, now: datetime) -> Item:
    """Adds `state`. A pause that has ended counts as none, and its reason is dropped if no delivery waits for it."""
    is_paused = row["paused_until"] is not None and row["paused_until"] > now
    state = "paused" if is_paused else "failing" if row["failing_since"] is not None else "working"
    reason = row["because"] if state != "working" else None
    return {**row, "state": state, "paused_until": row["paused_until"] if is_paused else None, "because": reason}
