"""Looks up the records that have a word: those of a rare word by their ids.

PostgreSQL can't guess how many records have a word. It would read a list in its order until the page is full, which is
the whole table for the word of one person. So the few that a rare word has are found first, in the search index.
"""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Table, any_, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as SQL_UUID
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.reads.rows import visible_to
from showup.reads.search import matches_prefix, typed_words

_FEW: Final = 1_000


async def with_all_words(
    tx: AsyncConnection, permission: Permission, table: Table, q: str | None
) -> list[ColumnElement[bool]]:
    """Returns one condition on rows of the table per word of `q`; none for a blank `q`, which matches every row."""
    conditions = []
    for word in typed_words(q):
        ids = await few_with_word(tx, permission, table, word)
        conditions.append(has_word(table, word) if ids is None else table.c.id == any_id(ids))
    return conditions


async def few_with_word(tx: AsyncConnection, permission: Permission, table: Table, word: str) -> list[UUID] | None:
    """Returns the ids of the records that have a word; None for many."""
    query = select(table.c.id).where(visible_to(permission, table), has_word(table, word))
    # Materialized, because a limit would suggest to read the table until it is reached.
    found = query.cte("found").prefix_with("MATERIALIZED")
    ids = list((await tx.execute(select(found.c.id).limit(_FEW + 1))).scalars())
    return None if len(ids) > _FEW else ids


def has_word(rows: FromClause, word: str) -> ColumnElement[bool]:
    """Returns the condition on rows of a table, or of a query with its column `search`, that they have a word."""
    return matches_prefix(rows.c.search, word)


def any_id(ids: list[UUID] | None) -> Any:
    """Returns what an id is compared with to be one of these."""
    return any_(literal(ids or [], ARRAY(SQL_UUID)))
