"""Who is known as whom: the merges that people made and have not undone."""

from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permit import Permit
from showup.companies.company import company_id
from showup.database.tables import merges
from showup.deeds import Kind
from showup.people.person import person_id
from showup.reads.keyset import Ask, Page, Sorts, read_page
from showup.reads.rows import Found, seen_by, when

SORTS: Sorts = {"at": merges.c.at}

_FIELDS = tuple(merges.c[name] for name in ("id", "kind", "gone", "gone_id", "stays", "actor", "at", "workspace_id"))


class MergeFilter(Struct, frozen=True, kw_only=True):
    """What a merge must fulfil; None asks nothing."""

    kind: Kind | None = None


async def list_merges(tx: AsyncConnection, permit: Permit, wanted: MergeFilter, ask: Ask) -> Page:
    """One page of the permit's merges."""
    query = select(*_FIELDS).where(seen_by(permit, merges), when(wanted.kind, lambda kind: merges.c.kind == kind))
    page = await read_page(tx, query, SORTS, ask)
    return Page(items=[_with_ids(item) for item in page.items], ended_at=page.ended_at)


async def find_merge(tx: AsyncConnection, permit: Permit, merge_id: UUID) -> Found | None:
    """The merge with its `workspace_id`; None when none is in force that the permit may see."""
    query = select(*_FIELDS).where(merges.c.id == merge_id, seen_by(permit, merges))
    row = (await tx.execute(query)).mappings().one_or_none()
    return None if row is None else _with_ids(row)


def _with_ids(row: RowMapping | dict[str, Any]) -> Found:
    named = person_id if row["kind"] == "people" else company_id
    return {**row, "stays_id": named(row["workspace_id"], row["stays"])}
