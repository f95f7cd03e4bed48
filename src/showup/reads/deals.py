"""Deals, in lists and one by one."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permit import Permit
from showup.database.tables import booking_attendees, bookings, companies, deals, people
from showup.reads.bookings import bookings_of
from showup.reads.keyset import Ask, Page, Sorts, read_page
from showup.reads.leading import standing_deal
from showup.reads.rows import Found, seen_by, shaped, when, within
from showup.reads.timeline import timeline
from showup.reads.words import all_begin, words_of

SORTS: Sorts = {name: deals.c[name] for name in ("created_at", "updated_at", "stage_entered_at")}

_FIELDS = (
    *("id", "status", "stage", "owner_email", "amount", "currency"),
    *("created_at", "updated_at", "stage_entered_at"),
)


class DealFilter(Struct, frozen=True, kw_only=True):
    """What a deal must fulfil; None asks nothing. `created_before` is exclusive, `owner` an email address."""

    status: str | None = None
    stage: str | None = None
    company_id: UUID | None = None
    owner: str | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    q: str | None = None


async def list_deals(tx: AsyncConnection, permit: Permit, wanted: DealFilter, ask: Ask) -> Page:
    """One page of the permit's deals, each with its company."""
    return await read_page(tx, _select(permit).where(*_conditions(wanted)), SORTS, ask)


async def deals_of(tx: AsyncConnection, permit: Permit, company_id: UUID) -> list[Found]:
    """Every deal of a company, in the order in which they were opened."""
    query = _select(permit).where(deals.c.company_id == company_id).order_by(deals.c.position)
    return [shaped(row) for row in (await tx.execute(query)).mappings()]


async def find_deal(tx: AsyncConnection, permit: Permit, deal_id: UUID) -> Found | None:
    """The deal with its people, bookings and story, also by the id of one that is no more.

    None when there is none that the permit may see.
    """
    query = _select(permit).add_columns(deals.c.lost_reason, deals.c.opened_at, deals.c.closed_at)
    row = (await tx.execute(query.where(deals.c.id == standing_deal(deal_id)))).mappings().one_or_none()
    return None if row is None else await _with_its_own(tx, permit, shaped(row))


async def _with_its_own(tx: AsyncConnection, permit: Permit, deal: Found) -> Found:
    deal_id = deal["id"]
    held = await bookings_of(tx, permit, bookings.c.deal_id == deal_id)
    own = await timeline(tx, permit, deal_id=[deal_id])
    return {
        **deal,
        "contacts": await _contacts(tx, permit, deal_id),
        "bookings": held,
        "stage_history": [_turn(line) for line in own if line["what"].startswith("deal.")],
        "timeline": await timeline(tx, permit, deal_id=[deal_id], booking_id=[each["id"] for each in held]),
    }


def _select(permit: Permit) -> Select[Any]:
    query = select(*(deals.c[name] for name in _FIELDS), *within("company", companies, "id", "name", "domain"))
    return query.join_from(deals, companies, deals.c.company_id == companies.c.id).where(seen_by(permit, deals))


def _conditions(wanted: DealFilter) -> list[ColumnElement[bool]]:
    named = select(companies.c.id).where(*all_begin(companies.c.search, wanted.q))
    return [
        when(wanted.status, lambda status: deals.c.status == status),
        when(wanted.stage, lambda stage: deals.c.stage == stage),
        when(wanted.company_id, lambda company_id: deals.c.company_id == company_id),
        when(wanted.owner, lambda email: deals.c.owner_email == email.lower()),
        when(wanted.created_from, lambda moment: deals.c.created_at >= moment),
        when(wanted.created_before, lambda moment: deals.c.created_at < moment),
        when(words_of(wanted.q) or None, lambda _: deals.c.company_id.in_(named)),
    ]


async def _contacts(tx: AsyncConnection, permit: Permit, deal_id: UUID) -> list[Found]:
    seats = select(booking_attendees.c.person_id).join(bookings, bookings.c.id == booking_attendees.c.booking_id)
    query = select(*(people.c[name] for name in ("id", "email", "name", "time_zone", "phone")))
    query = query.where(people.c.id.in_(seats.where(bookings.c.deal_id == deal_id)), seen_by(permit, people))
    return [dict(row) for row in (await tx.execute(query.order_by(people.c.email))).mappings()]


def _turn(line: Found) -> Found:
    return {**line, "status": line["change"].get("status"), "stage": line["change"].get("stage")}
