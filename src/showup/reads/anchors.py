"""By which names the log knows what an id stands for: they outlast any rebuild, so commands are written with them."""

from typing import Any, TypeVar
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Select, Text, case, cast, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permit import Permit
from showup.database.tables import booking_refs, bookings, companies, deals, merges, people
from showup.deeds import Kind
from showup.reads.leading import standing_booking, standing_company, standing_deal, standing_person
from showup.reads.rows import seen_by


class Anchor(Struct, frozen=True, kw_only=True):
    """What stands under an id, also under an old one, and its name in the log."""

    workspace_id: UUID
    id: UUID
    name: str


class BookingAnchor(Anchor, frozen=True, kw_only=True):
    """A booking, and the deal it is of."""

    deal_id: UUID | None


class DealAnchor(Anchor, frozen=True, kw_only=True):
    """A deal, and the key of its company."""

    company: str


Named = TypeVar("Named", bound=Anchor)


async def anchor_of_booking(tx: AsyncConnection, permit: Permit, booking_id: UUID) -> BookingAnchor | None:
    """The booking; None when the permit sees none."""
    b = bookings.c
    query = select(b.workspace_id, b.id, b.deal_id, _a_name_of_booking().label("name"))
    return await _one(tx, BookingAnchor, query.where(b.id == standing_booking(booking_id), seen_by(permit, bookings)))


async def anchor_of_deal(tx: AsyncConnection, permit: Permit, deal_id: UUID) -> DealAnchor | None:
    """The deal; None when the permit sees none."""
    d = deals.c
    opener = select(_a_name_of_booking()).where(bookings.c.id == d.opened_by).scalar_subquery()
    by_hand = literal("deal:") + cast(d.opened_by, Text)
    query = select(d.workspace_id, d.id, companies.c.key.label("company"), func.coalesce(opener, by_hand).label("name"))
    query = query.join_from(deals, companies, companies.c.id == d.company_id)
    return await _one(tx, DealAnchor, query.where(d.id == standing_deal(deal_id), seen_by(permit, deals)))


async def anchor_of_company(tx: AsyncConnection, permit: Permit, company_id: UUID) -> Anchor | None:
    """The company; None when the permit sees none."""
    c = companies.c
    query = select(c.workspace_id, c.id, c.key.label("name"))
    return await _one(tx, Anchor, query.where(c.id == standing_company(company_id), seen_by(permit, companies)))


async def anchor_of_person(tx: AsyncConnection, permit: Permit, person_id: UUID) -> Anchor | None:
    """The person; None when the permit sees none."""
    p = people.c
    query = select(p.workspace_id, p.id, p.email.label("name"))
    return await _one(tx, Anchor, query.where(p.id == standing_person(person_id), seen_by(permit, people)))


async def anchor_of_gone(tx: AsyncConnection, permit: Permit, kind: Kind, gone_id: UUID) -> Anchor | None:
    """The person or company that had this id before it was merged; None when none did that the permit may see."""
    m = merges.c
    query = select(m.workspace_id, m.gone_id.label("id"), m.gone.label("name"))
    return await _one(tx, Anchor, query.where(m.kind == kind, m.gone_id == gone_id, seen_by(permit, merges)))


def _a_name_of_booking() -> Any:
    """The uid that the booking has now, if Cal.com gave it one; else any of its names, and always the same."""
    r = booking_refs.c
    by_use = case((r.ref == literal("uid:") + bookings.c.calcom_uid, 0), (r.ref.startswith("uid:"), 1), else_=2)
    names = select(r.ref).where(r.booking_id == bookings.c.id).correlate(bookings)
    return names.order_by(by_use, r.ref).limit(1).scalar_subquery()


async def _one(tx: AsyncConnection, kind: type[Named], query: Select[Any]) -> Named | None:
    row = (await tx.execute(query)).mappings().one_or_none()
    return None if row is None else kind(**row)
