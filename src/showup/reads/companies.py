"""Companies, in lists and one by one."""

from uuid import UUID

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permit import Permit
from showup.database.tables import bookings, companies
from showup.reads.bookings import bookings_of
from showup.reads.deals import deals_of
from showup.reads.keyset import Ask, Page, Sorts, read_page
from showup.reads.leading import ids_of_company, standing_company
from showup.reads.people import people_of
from showup.reads.rows import Found, seen_by, when
from showup.reads.timeline import timeline
from showup.reads.words import all_begin

SORTS: Sorts = {name: companies.c[name] for name in ("created_at", "updated_at", "name")}

_FIELDS = tuple(companies.c[name] for name in ("id", "name", "domain", "created_at", "updated_at"))


class CompanyFilter(Struct, frozen=True, kw_only=True):
    """What a company must fulfil; None asks nothing."""

    domain: str | None = None
    q: str | None = None


async def list_companies(tx: AsyncConnection, permit: Permit, wanted: CompanyFilter, ask: Ask) -> Page:
    """One page of the permit's companies."""
    query = select(*_FIELDS).where(seen_by(permit, companies), *all_begin(companies.c.search, wanted.q))
    query = query.where(when(wanted.domain, lambda domain: companies.c.domain == domain.lower()))
    return await read_page(tx, query, SORTS, ask)


async def find_company(tx: AsyncConnection, permit: Permit, company_id: UUID) -> Found | None:
    """The company with its people, deals, bookings and story, also by the id of one that was merged into it.

    None when the permit sees no such company.
    """
    query = select(*_FIELDS).where(companies.c.id == standing_company(company_id), seen_by(permit, companies))
    row = (await tx.execute(query)).mappings().one_or_none()
    return None if row is None else await _with_its_own(tx, permit, dict(row))


async def _with_its_own(tx: AsyncConnection, permit: Permit, company: Found) -> Found:
    company_id = company["id"]
    held = await bookings_of(tx, permit, bookings.c.company_id == company_id)
    had = await deals_of(tx, permit, company_id)
    told = await timeline(
        tx,
        permit,
        company_id=await ids_of_company(tx, company_id),
        booking_id=[each["id"] for each in held],
        deal_id=[each["id"] for each in had],
    )
    return {
        **company,
        "people": await people_of(tx, permit, company_id),
        "deals": had,
        "bookings": held,
        "timeline": told,
    }
