"""Finds the log's names for ids: names outlast any rebuild, so commands are written with them."""

from typing import Any, TypeVar
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Select, Text, case, cast, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.tables import (
    booking_attendees,
    booking_refs,
    bookings,
    companies,
    deal_events,
    deals,
    merges,
    people,
)
from showup.events.workspace import MergeKind
from showup.pipeline.seat_deals import seat_stream_id
from showup.reads.current_ids import current_booking_id, current_company_id, current_deal_id, current_person_id
from showup.reads.rows import visible_to


class CommandTarget(Struct, frozen=True, kw_only=True):
    """The record with a current or former id, and its name in the log."""

    workspace_id: UUID
    id: UUID
    name: str


class BookingTarget(CommandTarget, frozen=True, kw_only=True):
    """A booking and its deal."""

    deal_id: UUID | None


class DealTarget(CommandTarget, frozen=True, kw_only=True):
    """A deal, and the key of its company. `seats_of`: whose seats opened it, if not those of the booking's own."""

    company: str
    seats_of: str | None = None


AnyTarget = TypeVar("AnyTarget", bound=CommandTarget)


async def target_of_booking(tx: AsyncConnection, permission: Permission, booking_id: UUID) -> BookingTarget | None:
    """Returns the booking; None if the permission does not allow it."""
    b = bookings.c
    query = select(b.workspace_id, b.id, b.deal_id, _booking_name().label("name"))
    return await _fetch_target(
        tx, BookingTarget, query.where(b.id == current_booking_id(booking_id), visible_to(permission, bookings))
    )


async def target_of_deal(tx: AsyncConnection, permission: Permission, deal_id: UUID) -> DealTarget | None:
    """Returns the deal; None if the permission does not allow it."""
    d = deals.c
    opener = select(_booking_name()).where(bookings.c.id == d.opened_by).scalar_subquery()
    manual_name = literal("deal:") + cast(d.opened_by, Text)
    query = select(
        d.workspace_id, d.id, companies.c.key.label("company"), func.coalesce(opener, manual_name).label("name")
    )
    query = query.join_from(deals, companies, companies.c.id == d.company_id)
    query = query.add_columns(d.opened_by)
    row = (
        (await tx.execute(query.where(d.id == current_deal_id(deal_id), visible_to(permission, deals))))
        .mappings()
        .one_or_none()
    )
    if row is None:
        return None
    fields = {name: value for name, value in row.items() if name != "opened_by"}
    return DealTarget(**fields | await _opening_seats(tx, row["opened_by"]))


async def _opening_seats(tx: AsyncConnection, stream_id: UUID) -> dict[str, str]:
    """Returns the booking and the company whose seats opened a deal; empty if something else opened it."""
    query = select(booking_attendees.c.company_key, booking_attendees.c.booking_id, _booking_name().label("name"))
    query = query.join_from(booking_attendees, bookings, bookings.c.id == booking_attendees.c.booking_id)
    of_stream = select(deal_events.c.booking_id).where(deal_events.c.stream_id == stream_id)
    rows = await tx.execute(query.where(bookings.c.id.in_(of_stream), booking_attendees.c.company_key.is_not(None)))
    for row in rows.mappings():
        if seat_stream_id(row["booking_id"], row["company_key"]) == stream_id:
            return {"name": row["name"], "seats_of": row["company_key"]}
    return {}


async def target_of_company(tx: AsyncConnection, permission: Permission, company_id: UUID) -> CommandTarget | None:
    """Returns the company; None if the permission does not allow it."""
    c = companies.c
    query = select(c.workspace_id, c.id, c.key.label("name"))
    return await _fetch_target(
        tx, CommandTarget, query.where(c.id == current_company_id(company_id), visible_to(permission, companies))
    )


async def target_of_person(tx: AsyncConnection, permission: Permission, person_id: UUID) -> CommandTarget | None:
    """Returns the person; None if the permission does not allow it."""
    p = people.c
    query = select(p.workspace_id, p.id, p.email.label("name"))
    return await _fetch_target(
        tx, CommandTarget, query.where(p.id == current_person_id(person_id), visible_to(permission, people))
    )


async def target_of_merged(
    tx: AsyncConnection, permission: Permission, kind: MergeKind, merged_id: UUID
) -> CommandTarget | None:
    """Returns the person or company that had this id before a merge; None if there is no visible one."""
    m = merges.c
    query = select(m.workspace_id, m.gone_id.label("id"), m.gone.label("name"))
    return await _fetch_target(
        tx, CommandTarget, query.where(m.kind == kind, m.gone_id == merged_id, visible_to(permission, merges))
    )


def _booking_name() -> Any:
    """Returns the booking's current uid if Cal.com gave it one; else one of its names, and always the same."""
    r = booking_refs.c
    preference = case((r.ref == literal("uid:") + bookings.c.calcom_uid, 0), (r.ref.startswith("uid:"), 1), else_=2)
    names = select(r.ref).where(r.booking_id == bookings.c.id).correlate(bookings)
    return names.order_by(preference, r.ref).limit(1).scalar_subquery()


async def _fetch_target(tx: AsyncConnection, target_type: type[AnyTarget], query: Select[Any]) -> AnyTarget | None:
    row = (await tx.execute(query)).mappings().one_or_none()
    return None if row is None else target_type(**row)
