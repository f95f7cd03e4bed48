"""Raw events: what reached us, and what became of it."""

from uuid import UUID

from msgspec import Struct
from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permit import Permit
from showup.database.tables import calcom_events, connections
from showup.reads.keyset import Ask, Page, Sorts, read_page
from showup.reads.rows import Found, seen_by

SORTS: Sorts = {"received_at": calcom_events.c.received_at}

# No uid: it can cancel a meeting at Cal.com, and the raw body is there for who needs it.
_FIELDS = (
    *("id", "origin", "received_at", "state", "because", "trigger", "source_at", "actor"),
    *("booking_id", "duplicate_of", "attempts", "next_try_at", "settled_at"),
)
_RAW_FIELDS = ("content_type", "webhook_version", "source_address", "body")


class EventFilter(Struct, frozen=True, kw_only=True):
    """What a raw event must fulfil; None asks nothing. `trigger` is Cal.com's name for the webhook."""

    state: str | None = None
    trigger: str | None = None
    uid: str | None = None


async def list_events(tx: AsyncConnection, permit: Permit, wanted: EventFilter, ask: Ask) -> Page:
    """One page of the permit's raw events, without their bodies.

    An event that no workspace has been found for yet shows only to a permit for all workspaces.
    """
    query = select(*(calcom_events.c[name] for name in _FIELDS), connections.c.name.label("account"))
    query = query.outerjoin_from(calcom_events, connections, calcom_events.c.account_id == connections.c.id)
    query = query.where(seen_by(permit, calcom_events))
    for name in ("state", "trigger", "uid"):
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(calcom_events.c[name] == value)
    return await read_page(tx, query, SORTS, ask)


async def find_event(tx: AsyncConnection, permit: Permit, event_id: UUID) -> Found | None:
    """The event with `body`, its exact bytes; None when there is none that the permit may see."""
    columns = (calcom_events.c[name] for name in (*_FIELDS, *_RAW_FIELDS))
    query = select(*columns, connections.c.name.label("account"))
    query = query.outerjoin_from(calcom_events, connections, calcom_events.c.account_id == connections.c.id)
    query = query.where(calcom_events.c.id == event_id, seen_by(permit, calcom_events))
    row = (await tx.execute(query)).mappings().one_or_none()
    return None if row is None else dict(row)


async def event_exists(tx: AsyncConnection, permit: Permit, event_id: UUID) -> bool:
    """Whether there is such an event that the permit may see."""
    seen = exists().where(calcom_events.c.id == event_id, seen_by(permit, calcom_events))
    return bool(await tx.scalar(select(seen)))
