"""Lists people and reads single ones."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.tables import companies, people
from showup.reads.bookings import bookings_of, with_attendees
from showup.reads.current_ids import current_person_id, ids_of_person
from showup.reads.keyset import PageRequest, ResultPage, Sorts, read_page
from showup.reads.rows import Item, if_any, nest_columns, nested_columns, visible_to, workspace_of
from showup.reads.search import typed_words
from showup.reads.simulated import SimulatedFilter, if_simulated, simulated_person
from showup.reads.timeline import timeline
from showup.reads.word_search import SearchedList, WordSearch, row_itself
from showup.values.email_address import normalize_email

SORTS: Sorts = {name: people.c[name] for name in ("created_at", "updated_at", "email")}

SEARCHED_PEOPLE = SearchedList(
    table=people,
    key=people.c.id,
    time=people.c.created_at,
    columns=("id", "search"),
    records=(row_itself(people),),
)

_FIELDS = ("id", "email", "name", "time_zone", "phone", "created_at", "updated_at")


class PersonFilter(Struct, frozen=True, kw_only=True):
    """Conditions on a person; an empty one does not filter."""

    ids: Sequence[UUID] = ()
    email: Sequence[str] = ()
    company_id: Sequence[UUID] = ()
    simulated: SimulatedFilter = "all"
    q: str | None = None


async def list_people(
    tx: AsyncConnection, permission: Permission, filters: PersonFilter, page_request: PageRequest
) -> ResultPage:
    """Returns one page of the people that the permission allows, each with their company."""
    conditions = person_conditions(filters)
    if words := typed_words(filters.q):
        search = WordSearch(tx, permission, SEARCHED_PEOPLE, words, conditions)
        conditions.append(await search.of_page(SORTS, page_request))
    return await read_page(tx, _select(permission).where(*conditions), SORTS, page_request)


def person_conditions(filters: PersonFilter) -> list[ColumnElement[bool]]:
    """Returns the conditions on rows of people, without that of the words `q`."""
    return [
        if_any(filters.ids, people.c.id.in_),
        if_any(filters.email, lambda emails: people.c.email.in_([normalize_email(email) for email in emails])),
        if_any(filters.company_id, people.c.company_id.in_),
        if_simulated(filters.simulated, simulated_person()),
    ]


async def people_of(tx: AsyncConnection, permission: Permission, company_id: UUID, *, limit: int = 200) -> list[Item]:
    """Returns the people who work for a company, by email address."""
    query = _select(permission).where(people.c.company_id == company_id).order_by(people.c.email).limit(limit)
    return [nest_columns(row) for row in (await tx.execute(query)).mappings()]


async def find_person(tx: AsyncConnection, permission: Permission, person_id: UUID) -> Item | None:
    """Returns the person with their bookings and timeline, also by the id of one who was merged into them.

    Returns None if the permission allows no such person.
    """
    row = await find_person_row(tx, permission, person_id)
    if row is None:
        return None
    attended_bookings = await bookings_of(tx, permission, with_attendees([row["id"]]))
    ids = await ids_of_person(tx, row["id"])
    entries = await timeline(tx, permission, person_id=ids, booking_id=[booking["id"] for booking in attended_bookings])
    return {**row, "bookings": attended_bookings, "timeline": entries}


async def find_person_row(tx: AsyncConnection, permission: Permission, person_id: UUID) -> Item | None:
    """Returns the person with their company, also by the id of one who was merged into them; None if not allowed."""
    query = _select(permission).where(people.c.id == current_person_id(person_id))
    row = (await tx.execute(query)).mappings().one_or_none()
    return None if row is None else nest_columns(row)


def _select(permission: Permission) -> Select[Any]:
    simulated = simulated_person().label("simulated")
    columns = (*(people.c[name] for name in _FIELDS), workspace_of(people), simulated)
    query = select(*columns, *nested_columns("company", companies, "id", "name", "domain"))
    return query.outerjoin_from(people, companies, people.c.company_id == companies.c.id).where(
        visible_to(permission, people)
    )
