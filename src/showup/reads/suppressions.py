"""Reads suppressed addresses and phone numbers, and the reasons."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.tables import suppressions
from showup.reads.keyset import PageRequest, ResultPage, Sorts, read_page
from showup.reads.rows import Item, if_any, visible_to, workspace_of

SORTS: Sorts = {"created_at": suppressions.c.created_at}

_FIELDS = ("id", "email", "phone", "scope", "reason", "because", "delivery_id", "event_id", "created_at")


class SuppressionFilter(Struct, frozen=True, kw_only=True):
    """Conditions on a suppression; an empty one does not filter. `email` in lower case, `phone` in E.164 form."""

    email: Sequence[str] = ()
    phone: Sequence[str] = ()
    scope: Sequence[str] = ()
    reason: Sequence[str] = ()


async def list_suppressions(
    tx: AsyncConnection, permission: Permission, filters: SuppressionFilter, page_request: PageRequest
) -> ResultPage:
    """Returns one page of the suppressions that the permission allows."""
    query = _select(permission)
    for name in SuppressionFilter.__struct_fields__:
        query = query.where(if_any(getattr(filters, name), suppressions.c[name].in_))
    return await read_page(tx, query, SORTS, page_request)


async def find_suppression(tx: AsyncConnection, permission: Permission, suppression_id: UUID) -> Item | None:
    """Returns the suppression; None if the permission does not allow it."""
    query = _select(permission).where(suppressions.c.id == suppression_id)
    row = (await tx.execute(query)).mappings().one_or_none()
    return None if row is None else dict(row)


def _select(permission: Permission) -> Select[Any]:
    query = select(*(suppressions.c[name] for name in _FIELDS), workspace_of(suppressions))
    return query.where(visible_to(permission, suppressions))
