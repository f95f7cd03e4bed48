"""Reads suppressed addresses and the reasons."""

from uuid import UUID

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.tables import suppressions
from showup.reads.keyset import PageRequest, ResultPage, Sorts, read_page
from showup.reads.rows import Item, visible_to

SORTS: Sorts = {"created_at": suppressions.c.created_at}

_FIELDS = ("id", "email", "scope", "reason", "because", "delivery_id", "event_id", "created_at")


class SuppressionFilter(Struct, frozen=True, kw_only=True):
    """Conditions on a suppression; None does not filter. `email` in lower case."""

    email: str | None = None
    scope: str | None = None
    reason: str | None = None


async def list_suppressions(
    tx: AsyncConnection, permission: Permission, filters: SuppressionFilter, page_request: PageRequest
) -> ResultPage:
    """Returns one page of the suppressions that the permission allows."""
    query = select(*(suppressions.c[name] for name in _FIELDS)).where(visible_to(permission, suppressions))
    for name in SuppressionFilter.__struct_fields__:
        value = getattr(filters, name)
        if value is not None:
            query = query.where(suppressions.c[name] == value)
    return await read_page(tx, query, SORTS, page_request)


async def find_suppression(tx: AsyncConnection, permission: Permission, suppression_id: UUID) -> Item | None:
    """Returns the suppression; None if the permission does not allow it."""
    query = select(*(suppressions.c[name] for name in _FIELDS))
    query = query.where(suppressions.c.id == suppression_id, visible_to(permission, suppressions))
    row = (await tx.execute(query)).mappings().one_or_none()
    return None if row is None else dict(row)
