"""What is told to the outside, and what became of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import RowMapping, Select, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permit import Permit
from showup.database.tables import deliveries, delivery_attempts, delivery_contents, lanes
from showup.reads.keyset import Ask, Page, Sorts, read_page
from showup.reads.rows import Found, seen_by, when
from showup.reads.why import next_try_at, why

SORTS: Sorts = {name: deliveries.c[name] for name in ("created_at", "due_at")}

# Neither `key` nor `details`: both may hold a uid, which can cancel a meeting at Cal.com.
FIELDS = (
    *("id", "booking_id", "deal_id", "event_id", "destination", "kind", "recipient", "state", "because"),
    *("due_at", "delivered_at", "attempts", "provider", "provider_id", "record", "found", "feedback"),
    *("simulated", "created_at", "updated_at"),
)
_WAY_FIELDS = ("failures", "wake_at", "expires_at", "feedback_because", "feedback_at", "question")
# What `why` reads of a row, and nobody else.
_OF_WHY = ("wake_at", "paused_until", "paused_because")


class DeliveryFilter(Struct, frozen=True, kw_only=True):
    """What a delivery must fulfil; None asks nothing. `recipient` as it is addressed; `due_to` exclusive."""

    state: str | None = None
    destination: str | None = None
    kind: str | None = None
    recipient: str | None = None
    booking_id: UUID | None = None
    deal_id: UUID | None = None
    due_from: datetime | None = None
    due_to: datetime | None = None


async def list_deliveries(tx: AsyncConnection, permit: Permit, wanted: DeliveryFilter, ask: Ask, now: datetime) -> Page:
    """One page of the permit's deliveries, each with why it stands as it does at `now`."""
    query = _select(permit).where(
        when(wanted.due_from, lambda at: deliveries.c.due_at >= at),
        when(wanted.due_to, lambda at: deliveries.c.due_at < at),
    )
    for name in ("state", "destination", "kind", "recipient", "booking_id", "deal_id"):
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(deliveries.c[name] == value)
    page = await read_page(tx, query, SORTS, ask)
    return Page(items=[_brief(_explained(item, now)) for item in page.items], ended_at=page.ended_at)


async def find_delivery(tx: AsyncConnection, permit: Permit, delivery_id: UUID, now: datetime) -> Found | None:
    """The delivery with `tries`, its attempts from the first on; None when there is none that the permit may see."""
    query = _select(permit).add_columns(delivery_contents.c.rendered_at)
    query = query.outerjoin(delivery_contents, delivery_contents.c.delivery_id == deliveries.c.id)
    row = (await tx.execute(query.where(deliveries.c.id == delivery_id))).mappings().one_or_none()
    return None if row is None else _explained(row, now) | {"tries": await _tries(tx, delivery_id)}


async def deliveries_of(tx: AsyncConnection, permit: Permit, booking_ids: Sequence[UUID], now: datetime) -> list[Found]:
    """All that was and is to be told of these bookings, by due time, each with why it stands as it does."""
    query = _select(permit).where(deliveries.c.booking_id.in_(booking_ids))
    rows = (await tx.execute(query.order_by(deliveries.c.due_at, deliveries.c.id))).mappings()
    return [_brief(_explained(row, now)) for row in rows]


async def workspace_of_delivery(
    tx: AsyncConnection, delivery_id: UUID, among: Sequence[UUID] | None = None
) -> UUID | None:
    """Which of these workspaces has the delivery, if any; None: of all that there are."""
    query = select(deliveries.c.workspace_id).where(deliveries.c.id == delivery_id)
    query = query.where(when(among, deliveries.c.workspace_id.in_))
    found: UUID | None = (await tx.execute(query)).scalar_one_or_none()
    return found


async def find_content(tx: AsyncConnection, permit: Permit, delivery_id: UUID) -> Found | None:
    """What is sent, as it was rendered; None when there is none yet, or none that the permit may see."""
    query = select(*(delivery_contents.c[name] for name in ("delivery_id", "rendered_at", "content")))
    query = query.join(deliveries, deliveries.c.id == delivery_contents.c.delivery_id)
    query = query.where(delivery_contents.c.delivery_id == delivery_id, seen_by(permit, deliveries))
    row = (await tx.execute(query)).mappings().one_or_none()
    return None if row is None else dict(row)


def _select(permit: Permit) -> Select[Any]:
    paused = lanes.c.paused_until, lanes.c.because.label("paused_because")
    query = select(*(deliveries.c[name] for name in (*FIELDS, *_WAY_FIELDS)), *paused)
    lane = and_(lanes.c.workspace_id == deliveries.c.workspace_id, lanes.c.destination == deliveries.c.destination)
    return query.outerjoin_from(deliveries, lanes, lane).where(seen_by(permit, deliveries))


def _explained(row: RowMapping | Found, now: datetime) -> Found:
    found: Found = dict(row)
    kept = {name: value for name, value in found.items() if name not in _OF_WHY}
    return kept | {"because": why(found, now), "next_try_at": next_try_at(found, now)}


def _brief(found: Found) -> Found:
    """The same without the candidates of its question: what a list is asked for is whether somebody has answered."""
    if found["question"] is None:
        return found
    return found | {"question": {name: found["question"].get(name) for name in ("until", "answered_by", "chosen")}}


async def _tries(tx: AsyncConnection, delivery_id: UUID) -> list[Found]:
    columns = (delivery_attempts.c[name] for name in ("number", "started_at", "ended_at", "outcome", "because"))
    query = select(*columns).where(delivery_attempts.c.delivery_id == delivery_id)
    return [dict(row) for row in (await tx.execute(query.order_by(delivery_attempts.c.number))).mappings()]
