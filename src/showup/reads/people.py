"""People, in lists and one by one."""

from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permit import Permit
from showup.database.tables import companies, people
from showup.reads.bookings import attended_by, bookings_of
from showup.reads.keyset import Ask, Page, Sorts, read_page
from showup.reads.leading import ids_of_person, standing_person
from showup.reads.rows import Found, seen_by, shaped, when, within
from showup.reads.timeline import timeline
from showup.reads.words import all_begin

SORTS: Sorts = {name: people.c[name] for name in ("created_at", "updated_at", "email")}

_FIELDS = ("id", "email", "name", "time_zone", "phone", "created_at", "updated_at")


class PersonFilter(Struct, frozen=True, kw_only=True):
    """What a person must fulfil; None asks nothing."""

    email: str | None = None
    company_id: UUID | None = None
    q: str | None = None


async def list_people(tx: AsyncConnection, permit: Permit, wanted: PersonFilter, ask: Ask) -> Page:
    """One page of the permit's people, each with their company."""
    query = _select(permit).where(*all_begin(people.c.search, wanted.q))
    query = query.where(
        when(wanted.email, lambda email: people.c.email == email.lower()),
        when(wanted.company_id, lambda company_id: people.c.company_id == company_id),
    )
    return await read_page(tx, query, SORTS, ask)


async def people_of(tx: AsyncConnection, permit: Permit, company_id: UUID, *, at_most: int = 200) -> list[Found]:
    """Who works for a company, by email address."""
    query = _select(permit).where(people.c.company_id == company_id).order_by(people.c.email).limit(at_most)
    return [shaped(row) for row in (await tx.execute(query)).mappings()]


async def find_person(tx: AsyncConnection, permit: Permit, person_id: UUID) -> Found | None:
    """The person with their bookings and story, also by the id of one who was merged into them.

    None when there is none that the permit may see.
    """
    query = _select(permit).where(people.c.id == standing_person(person_id))
    row = (await tx.execute(query)).mappings().one_or_none()
    if row is None:
        return None
    attended = await bookings_of(tx, permit, attended_by([row["id"]]))
    ids = await ids_of_person(tx, row["id"])
    told = await timeline(tx, permit, person_id=ids, booking_id=[each["id"] for each in attended])
    return {**shaped(row), "bookings": attended, "timeline": told}


def _select(permit: Permit) -> Select[Any]:
    query = select(*(people.c[name] for name in _FIELDS), *within("company", companies, "id", "name", "domain"))
    return query.outerjoin_from(people, companies, people.c.company_id == companies.c.id).where(seen_by(permit, people))
