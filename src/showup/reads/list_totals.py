"""Counts the rows of a list up to a bound, and adds the amounts of deals; simulated amounts are left out.

Of a search for common words, it says a lower bound that is found quickly, unless the caller asks for more than that.
"""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import ColumnElement, and_, exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.tables import bookings, deals
from showup.reads.bookings import SEARCHED_BOOKINGS, BookingFilter, booking_conditions
from showup.reads.companies import SEARCHED_COMPANIES, CompanyFilter, company_conditions
from showup.reads.deals import SEARCHED_DEALS, DealFilter, deal_conditions
from showup.reads.people import SEARCHED_PEOPLE, PersonFilter, person_conditions
from showup.reads.rows import visible_to
from showup.reads.search import typed_words
from showup.reads.word_search import SearchedList, WordSearch

MAX_COUNTED: Final = 10_000
"""What pages count up to. A greater bound is for files, which take longer: searches are counted up to it as well."""


class Totals(Struct, frozen=True, kw_only=True):
    """How many rows a list has. `has_more`: more than this number, and then nothing was added up.

    `amounts`: sums by currency.
    """

    number: int
    has_more: bool
    amounts: dict[str, Decimal] = {}


async def count_bookings(
    tx: AsyncConnection, permission: Permission, filters: BookingFilter, bound: int = MAX_COUNTED
) -> Totals:
    """Returns how many bookings meet the conditions."""
    return await _count(tx, permission, SEARCHED_BOOKINGS, booking_conditions(filters), filters.q, bound)


async def count_people(
    tx: AsyncConnection, permission: Permission, filters: PersonFilter, bound: int = MAX_COUNTED
) -> Totals:
    """Returns how many people meet the conditions."""
    return await _count(tx, permission, SEARCHED_PEOPLE, person_conditions(filters), filters.q, bound)


async def count_companies(
    tx: AsyncConnection, permission: Permission, filters: CompanyFilter, bound: int = MAX_COUNTED
) -> Totals:
    """Returns how many companies meet the conditions."""
    return await _count(tx, permission, SEARCHED_COMPANIES, company_conditions(filters), filters.q, bound)


async def count_deals(
    tx: AsyncConnection, permission: Permission, filters: DealFilter, bound: int = MAX_COUNTED
) -> Totals:
    """Returns how many deals meet the conditions, and their sums."""
    columns = (deals.c.id, deals.c.amount, deals.c.currency)
    conditions = deal_conditions(permission, filters)
    if (known := await _search(tx, permission, SEARCHED_DEALS, conditions, filters.q, bound)) is not None:
        return known
    found = select(*columns).where(visible_to(permission, deals), *conditions)
    rows = found.limit(bound + 1).subquery()
    real = bookings.alias()
    is_real = exists(select(real.c.id).where(real.c.deal_id == bookings.c.deal_id, ~real.c.simulated))
    # The few deals of the sample are one small set, so that the many others need no look at their bookings.
    sample = select(bookings.c.deal_id).where(
        visible_to(permission, bookings), bookings.c.simulated, bookings.c.deal_id.is_not(None), ~is_real
    )
    amount = func.sum(rows.c.amount).filter(rows.c.id.not_in(sample))
    query = select(rows.c.currency, func.count().label("number"), amount.label("amount")).group_by(rows.c.currency)
    counted = (await tx.execute(query)).all()
    number = sum(row.number for row in counted)
    amounts = {row.currency: row.amount for row in counted if row.currency and row.amount}
    return totals_up_to(bound, number, amounts)


async def _count(
    tx: AsyncConnection,
    permission: Permission,
    listed: SearchedList,
    conditions: list[ColumnElement[bool]],
    q: str | None,
    bound: int,
) -> Totals:
    if (known := await _search(tx, permission, listed, conditions, q, bound)) is not None:
        return known
    table = listed.table
    found = select(table.c.id).where(and_(visible_to(permission, table), *conditions)).limit(bound + 1).subquery()
    number: Any = await tx.scalar(select(func.count()).select_from(found))
    return totals_up_to(bound, number)


async def _search(
    tx: AsyncConnection,
    permission: Permission,
    listed: SearchedList,
    conditions: list[ColumnElement[bool]],
    q: str | None,
    bound: int,
) -> Totals | None:
    """Add the condition of the words in `q`, if there are any; or return what a page says of common ones."""
    if words := typed_words(q):
        search = WordSearch(tx, permission, listed, words, conditions)
        if bound <= MAX_COUNTED and (number := await search.more_than()) is not None:
            return Totals(number=number, has_more=True)
        conditions.append(await search.of_all())
    return None


def totals_up_to(bound: int, number: int, amounts: Mapping[str, Decimal] = MappingProxyType({})) -> Totals:
    """Return the totals of a list of which at most one row more than the bound was counted."""
    if number > bound:
        return Totals(number=bound, has_more=True)
    return Totals(number=number, has_more=False, amounts=dict(amounts))
