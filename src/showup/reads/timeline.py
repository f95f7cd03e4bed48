"""What happened to a thing and why, in the order in which it happened at the source."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import any_, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permit import Permit
from showup.database.tables import booking_aliases, journal
from showup.reads.rows import Found, seen_by

LINES_AT_MOST = 1000


async def timeline(
    tx: AsyncConnection, permit: Permit, *, with_uids: bool = False, **of: Collection[UUID]
) -> list[Found]:
    """Journal lines of `booking_id=[…]`, `deal_id=[…]`, `company_id=[…]`, `person_id=[…]`, oldest first.

    Of a very long story the newest LINES_AT_MOST. A uid can cancel a meeting at Cal.com, so a change of uids
    shows only `with_uids`.
    """
    # Lists of ids and not sub-queries: PostgreSQL can then add up its indexes.
    concerned = [
        journal.c[name] == any_(literal(list(ids), ARRAY(journal.c.event_id.type))) for name, ids in of.items() if ids
    ]
    if not concerned:
        return []
    names = ("at", "what", "because", "actor", "event_id", "change")
    query = select(*(journal.c[name] for name in names)).where(or_(*concerned), seen_by(permit, journal))
    # The order key compares byte by byte, as the pipeline does, whatever the database's language.
    query = query.order_by(journal.c.order_key.collate("C").desc(), journal.c.number.desc())
    rows = (await tx.execute(query.limit(LINES_AT_MOST))).mappings().all()
    return [{**row, "change": _shown(row["change"], with_uids=with_uids)} for row in reversed(rows)]


async def ids_of(tx: AsyncConnection, booking_id: UUID) -> list[UUID]:
    """A booking's id and those of the ones merged into it: its story was written under all of them."""
    query = select(booking_aliases.c.alias_id).where(booking_aliases.c.booking_id == booking_id)
    return [booking_id, *(await tx.scalars(query))]


def _shown(change: Found, *, with_uids: bool) -> Found:
    return change if with_uids else {field: value for field, value in change.items() if "uid" not in field}
