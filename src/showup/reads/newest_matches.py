"""Finds the newest people or companies that have all of some words, for a list that shows only a few.

PostgreSQL can't guess how many rows have a word. The newest rows show whether many have it; if they don't, few enough
have it to be looked up in the search index. A search ordered by time could read the whole table for a rare word, and
one by the index nearly the whole table for a common one.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.reads.rows import visible_to
from showup.reads.search import typed_words
from showup.reads.word_lookup import has_word

_NEWEST: Final = 400


async def newest_with_words(
    tx: AsyncConnection, permission: Permission, table: Table, q: str, limit: int
) -> Sequence[UUID]:
    """Returns the ids of the newest rows of `people` or `companies` that have all words of `q`, at most `limit`."""
    order = (table.c.created_at.desc(), table.c.id.desc())
    visible = select(table.c.id, table.c.created_at, table.c.search).where(visible_to(permission, table))
    newest = visible.order_by(*order).limit(_NEWEST).cte("newest").prefix_with("MATERIALIZED")
    found = (await tx.execute(select(newest.c.id).where(*_all_words(newest, q)).limit(limit))).scalars()
    ids = list(found)
    if len(ids) == limit:
        return ids
    matching = visible.where(*_all_words(table, q)).cte("matching").prefix_with("MATERIALIZED")
    rows = select(matching.c.id).order_by(matching.c.created_at.desc(), matching.c.id.desc()).limit(limit)
    return list((await tx.execute(rows)).scalars())


def _all_words(rows: FromClause, q: str) -> list[ColumnElement[bool]]:
    return [has_word(rows, word) for word in typed_words(q)]
