"""Endpoints of outgoing webhooks, and how it goes with them."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import RowMapping, Select, Text, and_, cast, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permit import Permit
from showup.database.tables import endpoints, lanes
from showup.reads.keyset import Ask, Page, Sorts, read_page
from showup.reads.rows import Found, seen_by

SORTS: Sorts = {"created_at": endpoints.c.created_at}

# Never its secrets.
_FIELDS: Final = ("id", "url", "description", "kinds", "paused_at", "because", "created_at", "updated_at")


async def list_endpoints(tx: AsyncConnection, permit: Permit, ask: Ask, now: datetime) -> Page:
    """One page of the permit's endpoints, each as it is at `now`."""
    page = await read_page(tx, _select(permit), SORTS, ask)
    return Page(items=[_as_of(item, now) for item in page.items], ended_at=page.ended_at)


async def find_endpoint(tx: AsyncConnection, permit: Permit, endpoint_id: UUID, now: datetime) -> Found | None:
    """The endpoint; None when there is none that the permit may see."""
    row = (await tx.execute(_select(permit).where(endpoints.c.id == endpoint_id))).mappings().one_or_none()
    return None if row is None else _as_of(row, now)


async def home_of_endpoint(tx: AsyncConnection, permit: Permit, endpoint_id: UUID) -> UUID | None:
    """The workspace of the endpoint; None when there is none that the permit may see."""
    query = select(endpoints.c.workspace_id).where(
        endpoints.c.id == endpoint_id, endpoints.c.deleted_at.is_(None), seen_by(permit, endpoints)
    )
    found: UUID | None = await tx.scalar(query)
    return found


def _select(permit: Permit) -> Select[Any]:
    lane = and_(
        lanes.c.workspace_id == endpoints.c.workspace_id,
        lanes.c.destination == func.concat(literal("webhook:"), cast(endpoints.c.id, Text)),
    )
    return (
        select(
            *(endpoints.c[name] for name in _FIELDS),
            lanes.c.failing_since,
            lanes.c.paused_until,
            lanes.c.because.label("lane_because"),
        )
        .outerjoin_from(endpoints, lanes, lane)
        .where(endpoints.c.deleted_at.is_(None), seen_by(permit, endpoints))
    )


def _as_of(row: RowMapping | Found, now: datetime) -> Found:
    """`state`: paused until somebody lets it go on; failing while nothing passes; else open."""
    found: Found = dict(row)
    paused_until, because = found.pop("paused_until"), found.pop("lane_because")
    if found["paused_at"] is not None:
        return found | {"state": "paused", "failing_since": None, "next_try_at": None}
    if found["failing_since"] is None:
        return found | {"state": "open", "because": None, "next_try_at": None}
    waits = paused_until if paused_until is not None and paused_until > now else None
    return found | {"state": "failing", "because": because, "next_try_at": waits}
