"""Reads inbox events: the bytes that arrived, and the outcome of processing them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import Label

from showup.access.permission import Permission
from showup.bookings.uids import redact
from showup.database.tables import connections, inbox_events
from showup.reads.keyset import PageRequest, ResultPage, Sorts, read_page
from showup.reads.rows import Item, if_any, visible_to, workspace_of
from showup.reads.simulated import SimulatedFilter, if_simulated, simulated_event

SORTS: Sorts = {"received_at": inbox_events.c.received_at}

# No uid: it can cancel a meeting at Cal.com, and the stored body has it for those who need it.
_FIELDS = (
    *("id", "source", "origin", "received_at", "state", "because", "trigger", "source_at", "actor"),
    *("booking_id", "duplicate_of", "attempts", "next_try_at", "processed_at"),
)
_RAW_FIELDS = ("content_type", "webhook_version", "source_address", "body")


class EventFilter(Struct, frozen=True, kw_only=True):
    """Conditions on an inbox event; an empty one does not filter.

    `source`: who speaks in the body. `trigger` is Cal.com's name for the webhook.
    """

    state: Sequence[str] = ()
    source: Sequence[str] = ()
    trigger: Sequence[str] = ()
    uid: Sequence[str] = ()
    simulated: SimulatedFilter = "all"


async def list_events(
    tx: AsyncConnection, permission: Permission, filters: EventFilter, page_request: PageRequest
) -> ResultPage:
    """Returns one page of the inbox events that the permission allows, without their bodies.

    An event whose workspace is still unknown is visible only to a permission for all workspaces.
    """
    query = select(*(inbox_events.c[name] for name in (*_FIELDS, "uid")), *_labels())
    query = query.outerjoin_from(inbox_events, connections, inbox_events.c.account_id == connections.c.id)
    query = query.where(visible_to(permission, inbox_events))
    for name in ("state", "source", "trigger", "uid"):
        query = query.where(if_any(getattr(filters, name), inbox_events.c[name].in_))
    query = query.where(if_simulated(filters.simulated, simulated_event()))
    page = await read_page(tx, query, SORTS, page_request)
    return ResultPage(items=[_event(item) for item in page.items], next_cursor=page.next_cursor)


async def find_event(tx: AsyncConnection, permission: Permission, event_id: UUID) -> Item | None:
    """Returns the event with `body`, its exact bytes; None if the permission does not allow it."""
    columns = (inbox_events.c[name] for name in (*_FIELDS, "uid", *_RAW_FIELDS))
    query = select(*columns, *_labels())
    query = query.outerjoin_from(inbox_events, connections, inbox_events.c.account_id == connections.c.id)
    query = query.where(inbox_events.c.id == event_id, visible_to(permission, inbox_events))
    row = (await tx.execute(query)).mappings().one_or_none()
    return None if row is None else _event(dict(row))


def _labels() -> tuple[Label[Any], ...]:
    account, simulated = connections.c.name.label("account"), simulated_event().label("simulated")
    return account, workspace_of(inbox_events), simulated


def _event(row: Item) -> Item:
    uid = row.pop("uid")
    return row | {"because": redact(row["because"], [uid])}


async def event_exists(tx: AsyncConnection, permission: Permission, event_id: UUID) -> bool:
    """Returns whether the event exists and the permission allows it."""
    is_visible = exists().where(inbox_events.c.id == event_id, visible_to(permission, inbox_events))
    return bool(await tx.scalar(select(is_visible)))
