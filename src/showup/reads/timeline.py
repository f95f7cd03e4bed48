"""Reads the timeline of a record: its changes and their reasons, in source order."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import RowMapping, any_, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.bookings.uids import redact
from showup.database.engine import driver_connection
from showup.database.tables import audit_log, booking_aliases
from showup.reads.rows import Item, can_see_uids, visible_to

MAX_ENTRIES = 1000


async def timeline(
    tx: AsyncConnection, permission: Permission, *, with_uids: bool = False, **ids_by_column: Collection[UUID]
) -> list[Item]:
    """Returns audit log lines, oldest first.

    The keyword is `booking_id=[…]`, `deal_id=[…]`, `company_id=[…]` or `person_id=[…]`. A very long timeline is cut to
    its newest MAX_ENTRIES. A uid can cancel a meeting at Cal.com, so a change of uids is included only `with_uids`,
    and never for a permission to read only.
    """
    # Lists of ids and not sub-queries: PostgreSQL can then combine its indexes.
    conditions = [
        audit_log.c[name] == any_(literal(list(ids), ARRAY(audit_log.c.event_id.type)))
        for name, ids in ids_by_column.items()
        if ids
    ]
    if not conditions:
        return []
    names = ("at", "what", "because", "actor", "event_id", "change", "booking_id")
    query = select(*(audit_log.c[name] for name in names)).where(or_(*conditions), visible_to(permission, audit_log))
    # The order key is compared byte by byte, as in the pipeline, whatever the database's language.
    query = query.order_by(audit_log.c.order_key.collate("C").desc(), audit_log.c.number.desc())
    rows = (await tx.execute(query.limit(MAX_ENTRIES))).mappings().all()
    if can_see_uids(permission):
        return [_entry(row, row["change"], with_uids=with_uids) for row in reversed(rows)]
    # Links and texts of a change may contain a uid too.
    known_uids = await uids_of_bookings(tx, {row["booking_id"] for row in rows if row["booking_id"] is not None})
    return [
        redact(_entry(row, row["change"], with_uids=False), known_uids.get(row["booking_id"], ()))
        for row in reversed(rows)
    ]


async def ids_of_booking(tx: AsyncConnection, booking_id: UUID) -> list[UUID]:
    """Returns a booking's id and those of merged bookings: its audit log was written under all of them."""
    query = select(booking_aliases.c.alias_id).where(booking_aliases.c.booking_id == booking_id)
    return [booking_id, *(await tx.scalars(query))]


def _entry(row: RowMapping, change: Item, *, with_uids: bool) -> Item:
    if "amount" in change:
        # The log stores exact text; the API has one form of money.
        change = change | {"amount": [None if value is None else float(value) for value in change["amount"]]}
    visible = change if with_uids else {field: value for field, value in change.items() if "uid" not in field}
    return {**{name: value for name, value in row.items() if name != "booking_id"}, "change": visible}


async def uids_of_bookings(tx: AsyncConnection, booking_ids: Collection[UUID]) -> dict[UUID, list[str]]:
    """Returns every uid of these bookings and their seats; that of a merged booking under its own id and its heir's."""
    rows = await (await driver_connection(tx)).fetch(
        """
        SELECT given.id, array_agg(known.uid) AS uids
        FROM unnest($1::uuid[]) AS given(id) LEFT JOIN booking_aliases a ON a.alias_id = given.id
        JOIN bookings b ON b.id = coalesce(a.booking_id, given.id)
        CROSS JOIN LATERAL (
            SELECT jsonb_array_elements(b.uids)->>'uid' AS uid
            UNION SELECT b.calcom_uid
            UNION SELECT s.calcom_seat_uid FROM booking_attendees s WHERE s.booking_id = b.id
        ) known
        WHERE known.uid IS NOT NULL GROUP BY 1
        """,
        list(booking_ids),
    )
    return {row["id"]: row["uids"] for row in rows}
