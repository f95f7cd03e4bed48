"""Keyset pagination: a page begins after the last row of the page before, found by an index.

Rows that come or go between two pages shift nothing, and page 10,000 costs the same as page 1.
"""

from collections.abc import Mapping
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
_SORT_VALUE = "sort_value"


class PageCursor(NamedTuple):
    """The end of a page: the last row's sort value and its id."""

    value: datetime | Decimal | str
    id: UUID | int


class PageRequest(Struct, frozen=True, kw_only=True):
    """A request for one page: `sort` is a name in the list's Sorts, with `-` before it for descending order."""

    sort: str
    limit: int
    cursor: PageCursor | None = None


class ResultPage(Struct, frozen=True, kw_only=True):
    """`next_cursor` is where the next page begins, None after the last one."""

    items: list[Item]
    next_cursor: PageCursor | None


async def read_page(tx: AsyncConnection, query: Select[Any], sorts: Sorts, page_request: PageRequest) -> ResultPage:
    """Returns the requested page of `query`, which selects `id`."""
    name = page_request.sort.removeprefix("-")
    column, row_id = sorts[name], query.selected_columns["id"]
    is_descending = page_request.sort.startswith("-")
    if page_request.cursor is not None:
        row_key = tuple_(column, row_id)
        cursor_key = tuple_(
            literal(page_request.cursor.value, column.type), literal(page_request.cursor.id, row_id.type)
        )
        query = query.where(row_key < cursor_key if is_descending else row_key > cursor_key)
    order = (column.desc(), row_id.desc()) if is_descending else (column.asc(), row_id.asc())
    # One extra row shows whether there is another page.
    query = query.add_columns(column.label(_SORT_VALUE)).order_by(*order).limit(page_request.limit + 1)
    items = [nest_columns(row) for row in (await tx.execute(query)).mappings()]
    sort_values = [item.pop(_SORT_VALUE) for item in items]
    page = items[: page_request.limit]
    next_cursor = PageCursor(sort_values[len(page) - 1], page[-1]["id"]) if len(items) > len(page) else None
    return ResultPage(items=page, next_cursor=next_cursor)
