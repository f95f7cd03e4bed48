"""Reads the timeline of a record: its changes and their reasons, in source order."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import any_, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.tables import audit_log, booking_aliases
from showup.reads.rows import Item, visible_to

MAX_ENTRIES = 1000


async def timeline(
    tx: AsyncConnection, permission: Permission, *, with_uids: bool = False, **ids_by_column: Collection[UUID]
) -> list[Item]:
    """Returns audit log lines, oldest first.

    The keyword is `booking_id=[…]`, `deal_id=[…]`, `company_id=[…]` or `person_id=[…]`. A very long timeline is cut to
    its newest MAX_ENTRIES. A uid can cancel a meeting at Cal.com, so a change of uids is included only `with_uids`.
    """
    # Lists of ids and not sub-queries: PostgreSQL can then combine its indexes.
    conditions = [
        audit_log.c[name] == any_(literal(list(ids), ARRAY(audit_log.c.event_id.type)))
        for name, ids in ids_by_column.items()
        if ids
    ]
    if not conditions:
        return []
    names = ("at", "what", "because", "actor", "event_id", "change")
    query = select(*(audit_log.c[name] for name in names)).where(or_(*conditions), visible_to(permission, audit_log))
    # The order key is compared byte by byte, as in the pipeline, whatever the database's language.
    query = query.order_by(audit_log.c.order_key.collate("C").desc(), audit_log.c.number.desc())
    rows = (await tx.execute(query.limit(MAX_ENTRIES))).mappings().all()
    return [{**row, "change": _visible_change(row["change"], with_uids=with_uids)} for row in reversed(rows)]


async def ids_of_booking(tx: AsyncConnection, booking_id: UUID) -> list[UUID]:
    """Returns a booking's id and those of merged bookings: its audit log was written under all of them."""
    query = select(booking_aliases.c.alias_id).where(booking_aliases.c.booking_id == booking_id)
    return [booking_id, *(await tx.scalars(query))]


def _visible_change(change: Item, *, with_uids: bool) -> Item:
    return change if with_uids else {field: value for field, value in change.items() if "uid" not in field}
