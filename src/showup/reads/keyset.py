"""Keyset pagination: a page begins after the last row of the page before, found by an index.

Rows that come or go between two pages shift nothing, and page 10,000 costs the same as page 1.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, literal, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.reads.rows import Item, nest_columns

Sorts: TypeAlias = Mapping[str, ColumnElement[Any]]
"""The sort options of a list: name → an expression that is never NULL."""
_PAGE_KEY = "page_key_"


class PageCursor(NamedTuple):
    """The end of a page: the last row's sort value, its id, and its workspace where ids are unique in one only."""

    value: datetime | Decimal | str
    id: UUID | int
    workspace_id: UUID | None = None


class PageRequest(Struct, frozen=True, kw_only=True):
    """A request for one page: `sort` is a name in the list's Sorts, with `-` before it for descending order."""

    sort: str
    limit: int
    cursor: PageCursor | None = None


class ResultPage(Struct, frozen=True, kw_only=True):
    """`next_cursor` is where the next page begins, None after the last one."""

    items: list[Item]
    next_cursor: PageCursor | None


def from_cursor(query: Select[Any], keys: Sequence[ColumnElement[Any]], page_request: PageRequest) -> Select[Any]:
    """Returns the rows from the page's beginning on, in its order, which is that of `keys`."""
    is_descending = page_request.sort.startswith("-")
    if page_request.cursor is not None:
        row_key = tuple_(*keys)
        ends = zip(page_request.cursor, keys, strict=False)
        cursor_key = tuple_(*(literal(value, key.type) for value, key in ends))
        query = query.where(row_key < cursor_key if is_descending else row_key > cursor_key)
    return query.order_by(*(key.desc() if is_descending else key.asc() for key in keys))


async def read_page(
    tx: AsyncConnection,
    query: Select[Any],
    sorts: Sorts,
    page_request: PageRequest,
    *,
    workspace: ColumnElement[UUID] | None = None,
) -> ResultPage:
    """Returns the requested page of `query`, which selects `id`; `workspace` where an id is unique in one only."""
    keys = [sorts[page_request.sort.removeprefix("-")], query.selected_columns["id"]]
    keys += [] if workspace is None else [workspace]
    labels = [f"{_PAGE_KEY}{place}" for place in range(len(keys))]
    query = query.add_columns(*(key.label(label) for key, label in zip(keys, labels, strict=True)))
    # One extra row shows whether there is another page.
    query = from_cursor(query, keys, page_request).limit(page_request.limit + 1)
    items = [nest_columns(row) for row in (await tx.execute(query)).mappings()]
    cursors = [PageCursor(*(item.pop(label) for label in labels)) for item in items]
    page = items[: page_request.limit]
    next_cursor = cursors[len(page) - 1] if len(items) > len(page) else None
    return ResultPage(items=page, next_cursor=next_cursor)
