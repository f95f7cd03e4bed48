"""Resolves old ids to the current booking, deal, person or company."""

from uuid import UUID

from sqlalchemy import ColumnElement, Table, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.database.tables import booking_aliases, bookings, companies, deal_aliases, deals, merges, people
from showup.events.workspace import MergeKind


def current_booking_id(booking_id: UUID) -> ColumnElement[UUID]:
    """Returns the id of the booking that this one was merged into; its own if it was not merged."""
    return func.coalesce(_alias_target(booking_aliases.c.alias_id == booking_id), booking_id)


def current_deal_id(deal_id: UUID) -> ColumnElement[UUID]:
    """Returns the current deal of the booking that had opened this deal, if this deal no longer exists."""
    opening_booking_id = select(deal_aliases.c.opened_by).where(deal_aliases.c.alias_id == deal_id).scalar_subquery()
    current_opener = func.coalesce(_alias_target(booking_aliases.c.alias_id == opening_booking_id), opening_booking_id)
    own_id = select(deals.c.id).where(deals.c.id == deal_id).scalar_subquery()
    return func.coalesce(own_id, select(bookings.c.deal_id).where(bookings.c.id == current_opener).scalar_subquery())


def current_person_id(person_id: UUID) -> ColumnElement[UUID]:
    """Returns the id of the person that this one was merged into; their own if they were not merged."""
    return _current_id("people", people, people.c.email, person_id)


def current_company_id(company_id: UUID) -> ColumnElement[UUID]:
    """Returns the id of the company that this one was merged into; its own if it was not merged."""
    return _current_id("companies", companies, companies.c.key, company_id)


async def ids_of_person(tx: AsyncConnection, person_id: UUID) -> list[UUID]:
    """Returns a person's id and those of all who were merged into them: their histories continue here."""
    return [person_id, *await _merged_ids(tx, "people", people, people.c.email, person_id)]


async def ids_of_company(tx: AsyncConnection, company_id: UUID) -> list[UUID]:
    """Returns a company's id and those of all that were merged into it: their histories continue here."""
    return [company_id, *await _merged_ids(tx, "companies", companies, companies.c.key, company_id)]


async def _merged_ids(
    tx: AsyncConnection, kind: MergeKind, table: Table, name: ColumnElement[str], surviving_id: UUID
) -> list[UUID]:
    edge = merges.c
    names = select(table.c.workspace_id, name.label("gone"), table.c.id.label("gone_id")).where(
        table.c.id == surviving_id
    )
    steps = names.cte("steps", recursive=True)
    previous_step = select(edge.workspace_id, edge.gone, edge.gone_id).where(edge.kind == kind)
    previous_step = previous_step.join(
        steps, and_(edge.workspace_id == steps.c.workspace_id, edge.stays == steps.c.gone)
    )
    steps = steps.union(previous_step)
    return list(await tx.scalars(select(steps.c.gone_id).where(steps.c.gone_id != surviving_id)))


def _alias_target(condition: ColumnElement[bool]) -> ColumnElement[UUID]:
    return select(booking_aliases.c.booking_id).where(condition).scalar_subquery()


def _current_id(kind: MergeKind, table: Table, name: ColumnElement[str], merged_id: UUID) -> ColumnElement[UUID]:
    edge = merges.c
    first_step = select(edge.workspace_id, edge.stays).where(edge.kind == kind, edge.gone_id == merged_id)
    steps = first_step.cte(f"led_{kind}", recursive=True)
    next_step = select(edge.workspace_id, edge.stays).where(edge.kind == kind)
    next_step = next_step.join(steps, and_(edge.workspace_id == steps.c.workspace_id, edge.gone == steps.c.stays))
    steps = steps.union(next_step)
    # A merged person has no row, so of all names on the way only the last one finds any.
    last = and_(table.c.workspace_id == steps.c.workspace_id, name == steps.c.stays)
    current_id = select(table.c.id).join_from(steps, table, last).limit(1).scalar_subquery()
    own_id = select(table.c.id).where(table.c.id == merged_id).scalar_subquery()
    return func.coalesce(own_id, current_id)
