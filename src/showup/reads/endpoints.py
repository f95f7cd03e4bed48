"""Reads endpoints of outgoing webhooks, and their state."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import RowMapping, Select, Text, and_, cast, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.tables import destination_queues, endpoints
from showup.reads.keyset import PageRequest, ResultPage, Sorts, read_page
from showup.reads.rows import Item, visible_to, workspace_of

SORTS: Sorts = {"created_at": endpoints.c.created_at}

# Never the secrets.
_FIELDS: Final = ("id", "url", "description", "kinds", "paused_at", "because", "created_at", "updated_at")


async def list_endpoints(
    tx: AsyncConnection, permission: Permission, page_request: PageRequest, now: datetime
) -> ResultPage:
    """Returns one page of the endpoints that the permission allows, each as it is at `now`."""
    page = await read_page(tx, _select(permission), SORTS, page_request)
    return ResultPage(items=[_with_state(item, now) for item in page.items], next_cursor=page.next_cursor)


async def find_endpoint(tx: AsyncConnection, permission: Permission, endpoint_id: UUID, now: datetime) -> Item | None:
    """Returns the endpoint; None if the permission does not allow it."""
    row = (await tx.execute(_select(permission).where(endpoints.c.id == endpoint_id))).mappings().one_or_none()
    return None if row is None else _with_state(row, now)


async def workspace_of_endpoint(tx: AsyncConnection, permission: Permission, endpoint_id: UUID) -> UUID | None:
    """Returns the workspace of the endpoint; None if the permission does not allow it."""
    query = select(endpoints.c.workspace_id).where(
        endpoints.c.id == endpoint_id, endpoints.c.deleted_at.is_(None), visible_to(permission, endpoints)
    )
    found: UUID | None = await tx.scalar(query)
    return found


def _select(permission: Permission) -> Select[Any]:
    queue_join = and_(
        destination_queues.c.workspace_id == endpoints.c.workspace_id,
        destination_queues.c.destination == func.concat(literal("webhook:"), cast(endpoints.c.id, Text)),
    )
    return (
        select(
            *(endpoints.c[name] for name in _FIELDS),
            workspace_of(endpoints),
            destination_queues.c.failing_since,
            destination_queues.c.paused_until,
            destination_queues.c.because.label("queue_because"),
        )
        .outerjoin_from(endpoints, destination_queues, queue_join)
        .where(endpoints.c.deleted_at.is_(None), visible_to(permission, endpoints))
    )


def _with_state(row: RowMapping | Item, now: datetime) -> Item:
    """Adds `state`: paused until someone resumes it; failing while every delivery fails; else working."""
    found: Item = dict(row)
    paused_until, reason = found.pop("paused_until"), found.pop("queue_because")
    if found["paused_at"] is not None:
        return found | {"state": "paused", "failing_since": None, "next_try_at": None}
    if found["failing_since"] is None:
        return found | {"state": "working", "because": None, "next_try_at": None}
    next_try_at = paused_until if paused_until is not None and paused_until > now else None
    return found | {"state": "failing", "because": reason, "next_try_at": next_try_at}
