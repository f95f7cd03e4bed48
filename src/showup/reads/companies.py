"""Lists companies and reads single ones."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct
from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.tables import companies
from showup.reads.bookings import bookings_of, with_company
from showup.reads.current_ids import current_company_id, ids_of_company
from showup.reads.deals import deals_of
from showup.reads.keyset import PageRequest, ResultPage, Sorts, read_page
from showup.reads.people import people_of
from showup.reads.rows import Item, if_any, visible_to, workspace_of
from showup.reads.search import typed_words
from showup.reads.simulated import SimulatedFilter, if_simulated, simulated_company
from showup.reads.timeline import timeline
from showup.reads.word_search import SearchedList, WordSearch, row_itself
from showup.values.domain_name import normalize_domain

SORTS: Sorts = {name: companies.c[name] for name in ("created_at", "updated_at", "name")}

SEARCHED_COMPANIES = SearchedList(
    table=companies,
    key=companies.c.id,
    time=companies.c.created_at,
    columns=("id", "search"),
    records=(row_itself(companies),),
)

_FIELDS = (
    *(companies.c[name] for name in ("id", "name", "domain", "created_at", "updated_at")),
    workspace_of(companies),
    simulated_company().label("simulated"),
)


class CompanyFilter(Struct, frozen=True, kw_only=True):
    """Conditions on a company; an empty one does not filter."""

    ids: Sequence[UUID] = ()
    domain: Sequence[str] = ()
    simulated: SimulatedFilter = "all"
    q: str | None = None


async def list_companies(
    tx: AsyncConnection, permission: Permission, filters: CompanyFilter, page_request: PageRequest
) -> ResultPage:
    """Returns one page of the companies that the permission allows."""
    conditions = company_conditions(filters)
    if words := typed_words(filters.q):
        search = WordSearch(tx, permission, SEARCHED_COMPANIES, words, conditions)
        conditions.append(await search.of_page(SORTS, page_request))
    query = select(*_FIELDS).where(visible_to(permission, companies), *conditions)
    return await read_page(tx, query, SORTS, page_request)


def company_conditions(filters: CompanyFilter) -> list[ColumnElement[bool]]:
    """Returns the conditions on rows of companies, without that of the words `q`."""
    return [
        if_any(filters.ids, companies.c.id.in_),
        if_any(filters.domain, lambda domains: companies.c.domain.in_([normalize_domain(one) for one in domains])),
        if_simulated(filters.simulated, simulated_company()),
    ]


async def find_company(tx: AsyncConnection, permission: Permission, company_id: UUID) -> Item | None:
    """Returns the company with its people, deals, bookings and timeline, also by the id of a merged company.

    Returns None if the permission allows no such company.
    """
    row = await find_company_row(tx, permission, company_id)
    return None if row is None else await _with_related(tx, permission, row)


async def find_company_row(tx: AsyncConnection, permission: Permission, company_id: UUID) -> Item | None:
    """Returns the company alone, also by the id of one that was merged into it; None if it is not allowed."""
    query = select(*_FIELDS).where(companies.c.id == current_company_id(company_id), visible_to(permission, companies))
    row = (await tx.execute(query)).mappings().one_or_none()
    return None if row is None else dict(row)


async def _with_related(tx: AsyncConnection, permission: Permission, company: Item) -> Item:
    company_id = company["id"]
    company_bookings = await bookings_of(tx, permission, with_company([company_id]))
    company_deals = await deals_of(tx, permission, company_id)
    entries = await timeline(
        tx,
        permission,
        company_id=await ids_of_company(tx, company_id),
        booking_id=[item["id"] for item in company_bookings],
        deal_id=[item["id"] for item in company_deals],
    )
    return {
        **company,
        "people": await people_of(tx, permission, company_id),
        "deals": company_deals,
        "bookings": company_bookings,
        "timeline": entries,
    }
