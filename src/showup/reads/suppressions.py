"""Addresses that are not written to any more, and why."""

from uuid import UUID

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permit import Permit
from showup.database.tables import suppressions
from showup.reads.keyset import Ask, Page, Sorts, read_page
from showup.reads.rows import Found, seen_by

SORTS: Sorts = {"created_at": suppressions.c.created_at}

_FIELDS = ("id", "email", "scope", "reason", "because", "delivery_id", "event_id", "created_at")


class SuppressionFilter(Struct, frozen=True, kw_only=True):
    """What a suppression must fulfil; None asks nothing. `email` in lower case."""

    email: str | None = None
    scope: str | None = None
    reason: str | None = None


async def list_suppressions(tx: AsyncConnection, permit: Permit, wanted: SuppressionFilter, ask: Ask) -> Page:
    """One page of the permit's suppressions."""
    query = select(*(suppressions.c[name] for name in _FIELDS)).where(seen_by(permit, suppressions))
    for name in SuppressionFilter.__struct_fields__:
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(suppressions.c[name] == value)
    return await read_page(tx, query, SORTS, ask)


async def find_suppression(tx: AsyncConnection, permit: Permit, suppression_id: UUID) -> Found | None:
    """The suppression; None when there is none that the permit may see."""
    query = select(*(suppressions.c[name] for name in _FIELDS))
    query = query.where(suppressions.c.id == suppression_id, seen_by(permit, suppressions))
    row = (await tx.execute(query)).mappings().one_or_none()
    return None if row is None else dict(row)
