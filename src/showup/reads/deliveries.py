"""Reads deliveries, their attempts and their content."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import RowMapping, Select, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.tables import deliveries, delivery_attempts, delivery_contents, destination_queues
from showup.reads.explanation import SayTime, explain, next_try_at, utc_time
from showup.reads.keyset import PageRequest, ResultPage, Sorts, read_page
from showup.reads.rows import Item, if_any, if_set, visible_to, workspace_of
from showup.reads.simulated import SimulatedFilter, if_simulated

SORTS: Sorts = {name: deliveries.c[name] for name in ("created_at", "due_at")}

# Neither `key` nor `details`: both may hold a uid, which can cancel a meeting at Cal.com.
FIELDS = (
    *("id", "booking_id", "deal_id", "event_id", "destination", "kind", "recipient", "state", "because"),
    *("due_at", "delivered_at", "attempts", "provider", "provider_id", "record", "found", "feedback"),
    *("simulated", "created_at", "updated_at"),
)
_PROGRESS_FIELDS = ("failures", "wake_at", "expires_at", "feedback_because", "feedback_at", "question")
# The columns that only the explanation reads.
_EXPLANATION_FIELDS = ("wake_at", "paused_until", "paused_because")


class DeliveryFilter(Struct, frozen=True, kw_only=True):
    """Conditions on a delivery; an empty one does not filter. `recipient` as it is addressed; `due_to` is exclusive."""

    state: Sequence[str] = ()
    destination: Sequence[str] = ()
    kind: Sequence[str] = ()
    recipient: Sequence[str] = ()
    booking_id: Sequence[UUID] = ()
    deal_id: Sequence[UUID] = ()
    simulated: SimulatedFilter = "all"
    due_from: datetime | None = None
    due_to: datetime | None = None


async def list_deliveries(
    tx: AsyncConnection,
    permission: Permission,
    filters: DeliveryFilter,
    page_request: PageRequest,
    now: datetime,
    say_time: SayTime = utc_time,
) -> ResultPage:
    """Returns one page of the deliveries that the permission allows, each with the reason for its state at `now`."""
    query = _select(permission).where(
        if_set(filters.due_from, lambda at: deliveries.c.due_at >= at),
        if_set(filters.due_to, lambda at: deliveries.c.due_at < at),
        if_simulated(filters.simulated, deliveries.c.simulated),
    )
    for name in ("state", "destination", "kind", "recipient", "booking_id", "deal_id"):
        query = query.where(if_any(getattr(filters, name), deliveries.c[name].in_))
    page = await read_page(tx, query, SORTS, page_request)
    return ResultPage(
        items=[_without_candidates(_with_explanation(item, now, say_time)) for item in page.items],
        next_cursor=page.next_cursor,
    )


async def find_delivery(
    tx: AsyncConnection, permission: Permission, delivery_id: UUID, now: datetime, say_time: SayTime = utc_time
) -> Item | None:
    """Returns the delivery with its `attempt_history`, oldest first; None if the permission does not allow it."""
    query = _select(permission).add_columns(delivery_contents.c.rendered_at)
    query = query.outerjoin(delivery_contents, delivery_contents.c.delivery_id == deliveries.c.id)
    row = (await tx.execute(query.where(deliveries.c.id == delivery_id))).mappings().one_or_none()
    if row is None:
        return None
    return _with_explanation(row, now, say_time) | {"attempt_history": await _attempts(tx, delivery_id)}


async def deliveries_of(
    tx: AsyncConnection, permission: Permission, booking_ids: Sequence[UUID], now: datetime
) -> list[Item]:
    """Returns all past and planned deliveries of these bookings, by due time, each with the reason for its state."""
    query = _select(permission).where(deliveries.c.booking_id.in_(booking_ids))
    rows = (await tx.execute(query.order_by(deliveries.c.due_at, deliveries.c.id))).mappings()
    return [_without_candidates(_with_explanation(row, now)) for row in rows]


async def workspace_of_delivery(
    tx: AsyncConnection, delivery_id: UUID, workspace_ids: Sequence[UUID] | None = None
) -> UUID | None:
    """Returns the workspace among these that has the delivery, or None; with None, searches all workspaces."""
    query = select(deliveries.c.workspace_id).where(deliveries.c.id == delivery_id)
    query = query.where(if_set(workspace_ids, deliveries.c.workspace_id.in_))
    found: UUID | None = (await tx.execute(query)).scalar_one_or_none()
    return found


async def find_content(tx: AsyncConnection, permission: Permission, delivery_id: UUID) -> Item | None:
    """Returns the rendered content; None if it is not rendered yet, or the permission does not allow it."""
    query = select(*(delivery_contents.c[name] for name in ("delivery_id", "rendered_at", "content")))
    query = query.join(deliveries, deliveries.c.id == delivery_contents.c.delivery_id)
    query = query.where(delivery_contents.c.delivery_id == delivery_id, visible_to(permission, deliveries))
    row = (await tx.execute(query)).mappings().one_or_none()
    return None if row is None else dict(row)


def _select(permission: Permission) -> Select[Any]:
    paused = destination_queues.c.paused_until, destination_queues.c.because.label("paused_because")
    columns = (deliveries.c[name] for name in (*FIELDS, *_PROGRESS_FIELDS))
    query = select(*columns, workspace_of(deliveries), *paused)
    queue_join = and_(
        destination_queues.c.workspace_id == deliveries.c.workspace_id,
        destination_queues.c.destination == deliveries.c.destination,
    )
    return query.outerjoin_from(deliveries, destination_queues, queue_join).where(visible_to(permission, deliveries))


def _with_explanation(row: RowMapping | Item, now: datetime, say_time: SayTime = utc_time) -> Item:
    found: Item = dict(row)
    fields = {name: value for name, value in found.items() if name not in _EXPLANATION_FIELDS}
    return fields | {"because": explain(found, now, say_time), "next_try_at": next_try_at(found, now)}


def _without_candidates(found: Item) -> Item:
    """Removes the candidates of the question: a list shows only whether it was answered."""
    if found["question"] is None:
        return found
    return found | {"question": {name: found["question"].get(name) for name in ("until", "answered_by", "chosen")}}


async def _attempts(tx: AsyncConnection, delivery_id: UUID) -> list[Item]:
    columns = (delivery_attempts.c[name] for name in ("number", "started_at", "ended_at", "outcome", "because"))
    query = select(*columns).where(delivery_attempts.c.delivery_id == delivery_id)
    return [dict(row) for row in (await tx.execute(query.order_by(delivery_attempts.c.number))).mappings()]
