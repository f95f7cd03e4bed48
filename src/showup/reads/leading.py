"""Where ids lead that stood once: to the booking, deal, person or company by which the thing is known now."""

from uuid import UUID

from sqlalchemy import ColumnElement, Table, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.database.tables import booking_aliases, bookings, companies, deal_aliases, deals, merges, people
from showup.deeds import Kind


def standing_booking(booking_id: UUID) -> ColumnElement[UUID]:
    """The id of the booking into which this one was merged; its own where it was not."""
    return func.coalesce(_stayed(booking_aliases.c.alias_id == booking_id), booking_id)


def standing_deal(deal_id: UUID) -> ColumnElement[UUID]:
    """The id of the deal that the booking has which had opened this one, where this one is no more."""
    opened_by = select(deal_aliases.c.opened_by).where(deal_aliases.c.alias_id == deal_id).scalar_subquery()
    opener = func.coalesce(_stayed(booking_aliases.c.alias_id == opened_by), opened_by)
    own = select(deals.c.id).where(deals.c.id == deal_id).scalar_subquery()
    return func.coalesce(own, select(bookings.c.deal_id).where(bookings.c.id == opener).scalar_subquery())


def standing_person(person_id: UUID) -> ColumnElement[UUID]:
    """The id of the person as whom this one is known since they were merged; their own where they were not."""
    return _known_as("people", people, people.c.email, person_id)


def standing_company(company_id: UUID) -> ColumnElement[UUID]:
    """The id of the company as which this one is known since they were merged; its own where it was not."""
    return _known_as("companies", companies, companies.c.key, company_id)


async def ids_of_person(tx: AsyncConnection, person_id: UUID) -> list[UUID]:
    """A person's id and those of all who were merged into them: their stories go on in this one."""
    return [person_id, *await _merged_into(tx, "people", people, people.c.email, person_id)]


async def ids_of_company(tx: AsyncConnection, company_id: UUID) -> list[UUID]:
    """A company's id and those of all that were merged into it: their stories go on in this one."""
    return [company_id, *await _merged_into(tx, "companies", companies, companies.c.key, company_id)]


async def _merged_into(
    tx: AsyncConnection, kind: Kind, table: Table, name: ColumnElement[str], stays_id: UUID
) -> list[UUID]:
    edge = merges.c
    names = select(table.c.workspace_id, name.label("gone"), table.c.id.label("gone_id")).where(table.c.id == stays_id)
    steps = names.cte("steps", recursive=True)
    before = select(edge.workspace_id, edge.gone, edge.gone_id).where(edge.kind == kind)
    before = before.join(steps, and_(edge.workspace_id == steps.c.workspace_id, edge.stays == steps.c.gone))
    steps = steps.union(before)
    return list(await tx.scalars(select(steps.c.gone_id).where(steps.c.gone_id != stays_id)))


def _stayed(condition: ColumnElement[bool]) -> ColumnElement[UUID]:
    return select(booking_aliases.c.booking_id).where(condition).scalar_subquery()


def _known_as(kind: Kind, table: Table, name: ColumnElement[str], gone_id: UUID) -> ColumnElement[UUID]:
    edge = merges.c
    led = select(edge.workspace_id, edge.stays).where(edge.kind == kind, edge.gone_id == gone_id)
    steps = led.cte(f"led_{kind}", recursive=True)
    onward = select(edge.workspace_id, edge.stays).where(edge.kind == kind)
    onward = onward.join(steps, and_(edge.workspace_id == steps.c.workspace_id, edge.gone == steps.c.stays))
    steps = steps.union(onward)
    # Whoever is known as somebody else has no row, so of all names on the way only the last one finds any.
    last = and_(table.c.workspace_id == steps.c.workspace_id, name == steps.c.stays)
    stands = select(table.c.id).join_from(steps, table, last).limit(1).scalar_subquery()
    own = select(table.c.id).where(table.c.id == gone_id).scalar_subquery()
    return func.coalesce(own, stands)
