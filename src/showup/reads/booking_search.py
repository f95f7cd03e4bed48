"""Finds the bookings of a page by words in their title, their attendees and their company.

There are two ways. A word that few records have is looked up in the search indexes. A word that many bookings have
would give far more ids than a page has: then the rows of the list are read in their order until the page is full.
Nobody knows before which way is shorter, so some rows are read first.
"""

from collections.abc import Sequence
from typing import Any, Final, TypeAlias
from uuid import UUID

from msgspec import Struct
from sqlalchemy import ColumnElement, CompoundSelect, Select, Table, and_, func, or_, select, true, union
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as SQL_UUID
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.tables import booking_attendees, bookings, companies, people
from showup.reads.keyset import PageRequest, Sorts, from_cursor
from showup.reads.rows import visible_to
from showup.reads.search import matches_prefix
from showup.reads.word_lookup import any_id, few_with_word, has_word

_Ids: TypeAlias = list[UUID]

_FIRST_ROWS: Final = 400
_MORE_ROWS: Final = 10_000


async def bookings_with_words(
    tx: AsyncConnection,
    permission: Permission,
    words: Sequence[str],
    conditions: Sequence[ColumnElement[bool]],
    sorts: Sorts,
    page_request: PageRequest,
) -> ColumnElement[bool]:
    """Returns a condition on bookings: those that have all words, or those of them on the page and the one after it.

    `conditions` are the other filters of the list.
    """
    chosen = select(bookings.c.id).where(visible_to(permission, bookings), *conditions)
    read, ids = await _read_rows(tx, chosen, words, sorts, page_request, _FIRST_ROWS)
    if read < _FIRST_ROWS or len(ids) > page_request.limit:
        return and_(bookings.c.id == any_id(ids))
    found = await _look_up_all(tx, permission, words)
    if ids and not any(one.is_rare for one in found):
        read, ids = await _read_rows(tx, chosen, words, sorts, page_request, _MORE_ROWS)
        if read < _MORE_ROWS or len(ids) > page_request.limit:
            return and_(bookings.c.id == any_id(ids))
    return _with_all(found)


async def all_bookings_with_words(
    tx: AsyncConnection, permission: Permission, words: Sequence[str]
) -> ColumnElement[bool]:
    """Returns a condition on bookings: those that have all words, on any page."""
    return _with_all(await _look_up_all(tx, permission, words))


async def _read_rows(
    tx: AsyncConnection, chosen: Select[Any], words: Sequence[str], sorts: Sorts, page_request: PageRequest, most: int
) -> tuple[int, _Ids]:
    """Returns how many rows of the list were read, and the ids of those that have all words."""
    b = bookings.c
    key = sorts[page_request.sort.removeprefix("-")]
    rows = chosen.with_only_columns(b.id, b.company_id, b.search, key.label("key"))
    read = from_cursor(rows, [key, b.id], page_request).limit(most).cte("read").prefix_with("MATERIALIZED")
    # Each row is looked up by itself. EXISTS could become a search for all people with the word.
    of_person = select(true()).join_from(booking_attendees, people, people.c.id == booking_attendees.c.person_id)
    of_person = of_person.where(booking_attendees.c.booking_id == read.c.id)
    of_company = select(true()).where(companies.c.id == read.c.company_id)

    def is_found(found: Select[Any], table: Table, word: str) -> ColumnElement[bool]:
        query = found.where(has_word(table, word)).limit(1).correlate(read).scalar_subquery()
        return func.coalesce(query, False)

    matching = select(read.c.id).where(
        *(
            or_(
                matches_prefix(read.c.search, word),
                is_found(of_company, companies, word),
                is_found(of_person, people, word),
            )
            for word in words
        )
    )
    page = from_cursor(matching, [read.c.key, read.c.id], PageRequest(sort=page_request.sort, limit=page_request.limit))
    ids = func.array(page.limit(page_request.limit + 1).scalar_subquery(), type_=ARRAY(SQL_UUID))
    row = (await tx.execute(select(select(func.count()).select_from(read).scalar_subquery(), ids))).one()
    return row[0], row[1]


class _WordMatches(Struct, frozen=True, kw_only=True):
    """The records that have a word, by table; None for many.

    PostgreSQL can't guess how many there are. So the few are found first; for many it joins the tables.
    """

    word: str
    few: dict[Table, _Ids | None]

    @property
    def is_rare(self) -> bool:
        return None not in self.few.values()

    def bookings(self) -> CompoundSelect[Any]:
        """Return the query of the ids of bookings that have the word."""
        b, seat = bookings.c, booking_attendees.c
        titles, guests, houses = (self.few[table] for table in (bookings, people, companies))
        of_guests = select(seat.booking_id)
        return union(
            select(b.id).where(has_word(bookings, self.word) if titles is None else b.id == any_id(titles)),
            of_guests.join(people, people.c.id == seat.person_id).where(has_word(people, self.word))
            if guests is None
            else of_guests.where(seat.person_id == any_id(guests)),
            select(b.id).join(companies, companies.c.id == b.company_id).where(has_word(companies, self.word))
            if houses is None
            else select(b.id).where(b.company_id == any_id(houses)),
        )


def _with_all(found: Sequence[_WordMatches]) -> ColumnElement[bool]:
    return and_(*(bookings.c.id.in_(one.bookings()) for one in found))


async def _look_up_all(tx: AsyncConnection, permission: Permission, words: Sequence[str]) -> list[_WordMatches]:
    return [await _look_up(tx, permission, word) for word in words]


async def _look_up(tx: AsyncConnection, permission: Permission, word: str) -> _WordMatches:
    few = {table: await few_with_word(tx, permission, table, word) for table in (bookings, people, companies)}
    return _WordMatches(word=word, few=few)
