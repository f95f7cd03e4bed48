"""Counts the rows of a list up to a bound, and adds the amounts of deals; simulated amounts are left out."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import ColumnElement, Table, and_, exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.tables import bookings, companies, deals, people
from showup.reads.booking_search import all_bookings_with_words
from showup.reads.bookings import BookingFilter, booking_conditions
from showup.reads.companies import CompanyFilter, company_conditions
from showup.reads.deals import DealFilter, deal_conditions
from showup.reads.people import PersonFilter, person_conditions
from showup.reads.rows import visible_to
from showup.reads.search import typed_words

MAX_COUNTED: Final = 10_000


class Totals(Struct, frozen=True, kw_only=True):
    """How many rows a list has. `has_more`: more than the bound, and then nothing was added up.

    `amounts`: sums by currency.
    """

    number: int
    has_more: bool
    amounts: dict[str, Decimal] = {}


async def count_bookings(
    tx: AsyncConnection, permission: Permission, filters: BookingFilter, bound: int = MAX_COUNTED
) -> Totals:
    """Returns how many bookings meet the conditions."""
    conditions = booking_conditions(filters)
    if words := typed_words(filters.q):
        conditions.append(await all_bookings_with_words(tx, permission, words))
    return await _count(tx, permission, bookings, conditions, bound)


async def count_people(
    tx: AsyncConnection, permission: Permission, filters: PersonFilter, bound: int = MAX_COUNTED
) -> Totals:
    """Returns how many people meet the conditions."""
    return await _count(tx, permission, people, await person_conditions(tx, permission, filters), bound)


async def count_companies(
    tx: AsyncConnection, permission: Permission, filters: CompanyFilter, bound: int = MAX_COUNTED
) -> Totals:
    """Returns how many companies meet the conditions."""
    return await _count(tx, permission, companies, await company_conditions(tx, permission, filters), bound)


async def count_deals(
    tx: AsyncConnection, permission: Permission, filters: DealFilter, bound: int = MAX_COUNTED
) -> Totals:
    """Returns how many deals meet the conditions, and their sums."""
    columns = (deals.c.id, deals.c.amount, deals.c.currency)
    conditions = await deal_conditions(tx, permission, filters)
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
    tx: AsyncConnection, permission: Permission, table: Table, conditions: Sequence[ColumnElement[bool]], bound: int
) -> Totals:
    found = select(table.c.id).where(and_(visible_to(permission, table), *conditions)).limit(bound + 1).subquery()
    number: Any = await tx.scalar(select(func.count()).select_from(found))
    return totals_up_to(bound, number)


def totals_up_to(bound: int, number: int, amounts: Mapping[str, Decimal] = MappingProxyType({})) -> Totals:
    """Return the totals of a list of which at most one row more than the bound was counted."""
    if number > bound:
        return Totals(number=bound, has_more=True)
    return Totals(number=number, has_more=False, amounts=dict(amounts))
