"""Finds the rows of a list that have all of some words, in their own text or in that of records that they name.

PostgreSQL can't guess how many records have a word, so it would choose the wrong one of two ways. The few records with
a rare word are looked up in the search indexes. A common word would give nearly the whole table there, and is found
by reading the list in its order. The first rows of the list show which words are common. Then both ways are taken as
far as they are short, before one is taken to the end.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias
from uuid import UUID

from msgspec import Struct
from sqlalchemy import ColumnElement, FromClause, Select, Table, and_, any_, func, literal, or_, select, union
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as SQL_UUID
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.reads.keyset import PageRequest, Sorts, from_cursor
from showup.reads.rows import visible_to
from showup.reads.search import matches_prefix

_Condition: TypeAlias = ColumnElement[bool]

_FIRST_ROWS: Final = 400
_COMMON: Final = _FIRST_ROWS // 10
"""A word that so many of the first rows have is not looked up: that alone would take long."""
_MORE_ROWS: Final = 10_000
_COUNTED_ROWS: Final = 5_000
_FEW: Final = 1_000
_NEWEST: Final = "-time"
_AT_LEAST: Final = (2_000, 1_000, 500, 200, 100, 50)


class SearchedRecord(Struct, frozen=True, kw_only=True):
    """A record with words that rows of a list name, or the row itself.

    `table` is the record's, or an alias of it. `of_row` selects whether the record of one row meets a condition; None
    for the row itself. `keys` selects the key of the list's rows whose record meets a condition.
    """

    table: FromClause
    of_row: Callable[[FromClause, _Condition], Select[Any]] | None
    keys: Callable[[_Condition], Select[Any]]


class SearchedList(Struct, frozen=True, kw_only=True):
    """A list that is searched: its table, a time whose order an index has, and the columns that lead to its records.

    `key` is the column by which `SearchedRecord.keys` finds rows.
    """

    table: Table
    key: ColumnElement[UUID]
    time: ColumnElement[Any]
    columns: Sequence[str]
    records: Sequence[SearchedRecord]


class WordSearch:
    """One search of a list by words, which must not be empty. `conditions` are the other filters of the list."""

    def __init__(
        self,
        tx: AsyncConnection,
        permission: Permission,
        searched: SearchedList,
        words: Sequence[str],
        conditions: Sequence[_Condition],
    ) -> None:
        self._tx, self._permission, self._searched, self._words = tx, permission, searched, words
        columns = (searched.table.c[name] for name in searched.columns)
        self._chosen = select(*columns).where(visible_to(permission, searched.table), *conditions)
        self._few: dict[tuple[str, int], list[UUID] | None] = {}

    async def of_page(self, sorts: Sorts, page_request: PageRequest) -> _Condition:
        """Return a condition on the list that is right for one page of it, and for the row that follows the page."""
        ordered, wanted = self._ordered(sorts, page_request), page_request.limit + 1
        direction = PageRequest(sort=page_request.sort, limit=wanted)
        first = await self._read_first(ordered)
        if first.is_whole or len(first.ids) >= wanted:
            return self._is_one_of(first.ids)
        found = await self._look_up(first)
        if first.ids and not found.is_rare:
            ids = await self._read_until(ordered, _MORE_ROWS, direction)
            if len(ids) == wanted:
                return self._is_one_of(ids)
        return found.condition

    async def of_all(self) -> _Condition:
        """Return a condition for all rows of the list, in any order."""
        first = await self._read_first(self._newest())
        if first.is_whole:
            return self._is_one_of(first.ids)
        if len(first.ids) >= _COMMON:
            return and_(*(self._has(self._searched.table, word) for word in self._words))
        return (await self._look_up(first)).condition

    async def more_than(self) -> int | None:
        """Return a round number that the list has more rows than, if the words are common; else None.

        To count all of them would take long, and tell nobody more.
        """
        first = await self._read_first(self._newest())
        if first.is_whole or not first.ids or (await self._look_up(first)).is_rare:
            return None
        direction = PageRequest(sort=_NEWEST, limit=_COUNTED_ROWS)
        found = len(await self._read_until(self._newest(), _COUNTED_ROWS, direction))
        return next((number for number in _AT_LEAST if number < found), None)

    def _newest(self) -> Select[Any]:
        return self._ordered({"time": self._searched.time}, PageRequest(sort=_NEWEST, limit=_FIRST_ROWS))

    def _ordered(self, sorts: Sorts, page_request: PageRequest) -> Select[Any]:
        """Return the chosen rows of the list, from the page on."""
        key = sorts[page_request.sort.removeprefix("-")]
        return from_cursor(self._chosen.add_columns(key.label("key")), [key, self._searched.table.c.id], page_request)

    async def _read_first(self, ordered: Select[Any]) -> "_FirstRows":
        read = ordered.limit(_FIRST_ROWS).subquery("read")
        words = [self._has(read, word).label(f"word{number}") for number, word in enumerate(self._words)]
        rows = (await self._tx.execute(select(read.c.id, *words))).all()
        return _FirstRows(
            is_whole=len(rows) < _FIRST_ROWS,
            ids=[row[0] for row in rows if all(row[1:])],
            common={word for number, word in enumerate(self._words, 1) if sum(row[number] for row in rows) >= _COMMON},
        )

    async def _read_until(self, ordered: Select[Any], most: int, direction: PageRequest) -> list[UUID]:
        """Return the ids of the rows with all words among the first `most`, the first of them up to the limit."""
        read = ordered.limit(most).subquery("read")
        found = select(read.c.id).where(*(self._has(read, word) for word in self._words))
        found = from_cursor(found, [read.c.key, read.c.id], direction).limit(direction.limit)
        return list((await self._tx.execute(found)).scalars())

    async def _look_up(self, first: "_FirstRows") -> "_LookedUp":
        """Look up the words that are not common, each in all records; if all are common, say how they would be."""
        uncommon = [word for word in self._words if word not in first.common]
        rare = [word for word in uncommon if None not in [await self._ids(word, one) for one in self._records()]]
        by_index = rare or uncommon or self._words
        others = [word for word in self._words if word not in by_index]
        conditions = [await self._indexed(word) for word in by_index]
        conditions += [self._has(self._searched.table, word) for word in others]
        return _LookedUp(is_rare=bool(rare), condition=and_(*conditions))

    def _records(self) -> range:
        return range(len(self._searched.records))

    async def _ids(self, word: str, place: int) -> list[UUID] | None:
        """Return the ids of the records in this place that have a word; None for many."""
        if (word, place) not in self._few:
            table = self._searched.records[place].table
            query = select(table.c.id).where(visible_to(self._permission, table), matches_prefix(table.c.search, word))
            # Without this, a limit would suggest to read the table until it is reached.
            found = query.cte("found").prefix_with("MATERIALIZED")
            ids = list((await self._tx.execute(select(found.c.id).limit(_FEW + 1))).scalars())
            self._few[word, place] = None if len(ids) > _FEW else ids
        return self._few[word, place]

    async def _indexed(self, word: str) -> _Condition:
        """Return the condition that a row has a word, for the search indexes."""
        selects = []
        for place, record in enumerate(self._searched.records):
            ids = self._few.get((word, place))
            is_found = matches_prefix(record.table.c.search, word) if ids is None else record.table.c.id == _any_id(ids)
            selects.append(record.keys(is_found))
        return self._searched.key.in_(union(*selects) if len(selects) > 1 else selects[0])

    def _has(self, row: FromClause, word: str) -> _Condition:
        """Return the condition that a row has a word; no index is used for it."""
        found: list[_Condition] = []
        for record in self._searched.records:
            if record.of_row is None:
                found.append(matches_prefix(row.c.search, word).is_(True))
            else:
                query = record.of_row(row, matches_prefix(record.table.c.search, word)).limit(1)
                # A scalar is looked up for each row. EXISTS could become a search for all records with the word.
                found.append(func.coalesce(query.correlate(row).scalar_subquery(), False))
        return or_(*found)

    def _is_one_of(self, ids: Sequence[UUID]) -> _Condition:
        is_one: _Condition = self._searched.table.c.id == _any_id(ids)
        return is_one


class _FirstRows(Struct, frozen=True, kw_only=True):
    """The first rows of a list: whether they are all of it, the ids of those with all words, and its common words."""

    is_whole: bool
    ids: Sequence[UUID]
    common: set[str]


class _LookedUp(Struct, frozen=True, kw_only=True):
    """What the search indexes say. `is_rare`: some word is rare, so that few rows meet the condition."""

    is_rare: bool
    condition: _Condition


def row_itself(table: Table) -> SearchedRecord:
    """Return the row of a list as the record that has words."""
    found = table.alias("found_" + table.name)
    return SearchedRecord(table=found, of_row=None, keys=lambda condition: select(found.c.id).where(condition))


def _any_id(ids: Sequence[UUID]) -> Any:
    """Return what an id is compared with to be one of these."""
    return any_(literal(list(ids), ARRAY(SQL_UUID)))
