"""Paging by place, not by number: a page begins after the last row of the one before, found by an index.

Rows that come or go between two pages move nothing, and page 10,000 costs what page 1 does.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, literal, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.reads.rows import Found, shaped

Sorts: TypeAlias = Mapping[str, ColumnElement[Any]]
"""What a list can be sorted by: name → a column that is never NULL, which the list selects by this name."""


class Place(NamedTuple):
    """Where a page ended: the last row's sort value and its id."""

    value: datetime | str
    id: UUID


class Ask(Struct, frozen=True, kw_only=True):
    """One page of a list: `sort` is a name in the list's Sorts, with `-` before it for the greatest first."""

    sort: str
    limit: int
    after: Place | None = None


class Page(Struct, frozen=True, kw_only=True):
    """`ended_at` is where the next page begins, None after the last one."""

    items: list[Found]
    ended_at: Place | None


async def read_page(tx: AsyncConnection, query: Select[Any], sorts: Sorts, ask: Ask) -> Page:
    """The rows of `query` that `ask` wants; it selects `id` and the sorted column under their own names."""
    name = ask.sort.removeprefix("-")
    column, row_id = sorts[name], query.selected_columns["id"]
    descending = ask.sort.startswith("-")
    if ask.after is not None:
        here = tuple_(column, row_id)
        last = tuple_(literal(ask.after.value, column.type), literal(ask.after.id, row_id.type))
        query = query.where(here < last if descending else here > last)
    order = (column.desc(), row_id.desc()) if descending else (column.asc(), row_id.asc())
    # One row more than asked for says whether there is another page.
    rows = (await tx.execute(query.order_by(*order).limit(ask.limit + 1))).mappings().all()
    kept = rows[: ask.limit]
    ended_at = Place(kept[-1][name], kept[-1]["id"]) if len(rows) > ask.limit else None
    return Page(items=[shaped(row) for row in kept], ended_at=ended_at)
