"""Reads pages of the people whom the funnel counts, and counts them: rows in the order of `at` and `person_id`."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.reads.keyset import PageCursor, PageRequest
from showup.reads.list_totals import Totals, totals_up_to
from showup.reads.rows import Item


def directions(page_request: PageRequest) -> tuple[str, str]:
    """Return how the rows after the cursor compare with it, and their order, in SQL."""
    return ("<", "DESC") if page_request.sort.startswith("-") else (">", "ASC")


async def read_people(
    tx: AsyncConnection, query: str, params: Mapping[str, Any], page_request: PageRequest
) -> tuple[list[Item], PageCursor | None]:
    """Returns the rows of a page, and where the next one begins.

    `query` returns one row more than the page has. Where the request has a cursor, it begins after `:after_at` and
    `:after_id`.
    """
    cursor, limit = page_request.cursor, page_request.limit
    after = {} if cursor is None else {"after_at": cursor.value, "after_id": cursor.id}
    people = [dict(row) for row in (await tx.execute(text(query), {**params, **after})).mappings()]
    last = people[limit - 1] if len(people) > limit else None
    return people[:limit], None if last is None else PageCursor(value=last["at"], id=last["person_id"])


async def count_people(tx: AsyncConnection, query: str, params: Mapping[str, Any], bound: int) -> Totals:
    """Returns how many rows `query` has, which has at most one more than the bound."""
    counted = text(f"SELECT count(*) FROM ({query}) counted")  # noqa: S608  # our own names
    number: Any = await tx.scalar(counted, params)
    return totals_up_to(bound, number)
