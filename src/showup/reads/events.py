"""Reads inbox events: the bytes that arrived, and the outcome of processing them."""

from uuid import UUID

from msgspec import Struct
from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.tables import connections, inbox_events
from showup.reads.keyset import PageRequest, ResultPage, Sorts, read_page
from showup.reads.rows import Item, visible_to

SORTS: Sorts = {"received_at": inbox_events.c.received_at}

# No uid: it can cancel a meeting at Cal.com, and the stored body has it for those who need it.
_FIELDS = (
    *("id", "source", "origin", "received_at", "state", "because", "trigger", "source_at", "actor"),
    *("booking_id", "duplicate_of", "attempts", "next_try_at", "processed_at"),
)
_RAW_FIELDS = ("content_type", "webhook_version", "source_address", "body")


class EventFilter(Struct, frozen=True, kw_only=True):
    """Conditions on an inbox event; None does not filter. `trigger` is Cal.com's name for the webhook."""

    state: str | None = None
    trigger: str | None = None
    uid: str | None = None


async def list_events(
    tx: AsyncConnection, permission: Permission, filters: EventFilter, page_request: PageRequest
) -> ResultPage:
    """Returns one page of the inbox events that the permission allows, without their bodies.

    An event whose workspace is still unknown is visible only to a permission for all workspaces.
    """
    query = select(*(inbox_events.c[name] for name in _FIELDS), connections.c.name.label("account"))
    query = query.outerjoin_from(inbox_events, connections, inbox_events.c.account_id == connections.c.id)
    query = query.where(visible_to(permission, inbox_events))
    for name in ("state", "trigger", "uid"):
        value = getattr(filters, name)
        if value is not None:
            query = query.where(inbox_events.c[name] == value)
    return await read_page(tx, query, SORTS, page_request)


async def find_event(tx: AsyncConnection, permission: Permission, event_id: UUID) -> Item | None:
    """Returns the event with `body`, its exact bytes; None if the permission does not allow it."""
    columns = (inbox_events.c[name] for name in (*_FIELDS, *_RAW_FIELDS))
    query = select(*columns, connections.c.name.label("account"))
    query = query.outerjoin_from(inbox_events, connections, inbox_events.c.account_id == connections.c.id)
    query = query.where(inbox_events.c.id == event_id, visible_to(permission, inbox_events))
    row = (await tx.execute(query)).mappings().one_or_none()
    return None if row is None else dict(row)


async def event_exists(tx: AsyncConnection, permission: Permission, event_id: UUID) -> bool:
    """Returns whether the event exists and the permission allows it."""
    is_visible = exists().where(inbox_events.c.id == event_id, visible_to(permission, inbox_events))
    return bool(await tx.scalar(select(is_visible)))
