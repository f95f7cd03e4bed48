"""Reads the merges that people made and did not undo."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.companies.company import company_id
from showup.database.tables import merges
from showup.events.workspace import MergeKind
from showup.people.person import person_id
from showup.reads.keyset import PageRequest, ResultPage, Sorts, read_page
from showup.reads.rows import Item, if_any, visible_to, workspace_of

SORTS: Sorts = {"at": merges.c.at}

_FIELDS = (
    *(merges.c[name] for name in ("id", "kind", "gone", "gone_id", "stays", "actor", "at", "workspace_id")),
    workspace_of(merges),
)


class MergeFilter(Struct, frozen=True, kw_only=True):
    """Conditions on a merge; an empty one does not filter."""

    kind: Sequence[MergeKind] = ()


async def list_merges(
    tx: AsyncConnection, permission: Permission, filters: MergeFilter, page_request: PageRequest
) -> ResultPage:
    """Returns one page of the merges that the permission allows."""
    query = select(*_FIELDS).where(visible_to(permission, merges), if_any(filters.kind, merges.c.kind.in_))
    page = await read_page(tx, query, SORTS, page_request)
    return ResultPage(items=[_with_ids(item) for item in page.items], next_cursor=page.next_cursor)


async def find_merge(tx: AsyncConnection, permission: Permission, merge_id: UUID) -> Item | None:
    """Returns the merge with its `workspace_id`; None if the permission allows no current merge."""
    query = select(*_FIELDS).where(merges.c.id == merge_id, visible_to(permission, merges))
    row = (await tx.execute(query)).mappings().one_or_none()
    return None if row is None else _with_ids(row)


def _with_ids(row: RowMapping | dict[str, Any]) -> Item:
    id_of = person_id if row["kind"] == "people" else company_id
    return {**row, "stays_id": id_of(row["workspace_id"], row["stays"])}
