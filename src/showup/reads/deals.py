"""Lists deals and reads single ones."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import ColumnElement, FromClause, Select, and_, func, literal_column, select, union
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.tables import booking_attendees, bookings, companies, deal_events, deals, people
from showup.reads.bookings import bookings_of
from showup.reads.current_ids import current_deal_id
from showup.reads.keyset import PageRequest, ResultPage, Sorts, read_page
from showup.reads.rows import Item, if_any, if_set, nest_columns, nested_columns, visible_to, workspace_of
from showup.reads.search import typed_words
from showup.reads.simulated import SimulatedFilter, if_simulated, simulated_deal
from showup.reads.timeline import timeline
from showup.reads.word_search import SearchedList, SearchedRecord, WordSearch
from showup.values.email_address import normalize_email

SORTS: Sorts = {
    **{name: deals.c[name] for name in ("created_at", "updated_at", "stage_entered_at")},
    # A deal without an amount comes below one of 0. Not a parameter, so that it is the index's expression.
    "amount": func.coalesce(deals.c.amount, literal_column("-1", deals.c.amount.type), type_=deals.c.amount.type),
}

_COMPANY = companies.alias("deal_company")
SEARCHED_DEALS = SearchedList(
    table=deals,
    key=deals.c.company_id,
    time=deals.c.created_at,
    columns=("id", "company_id"),
    records=(
        SearchedRecord(
            table=_COMPANY,
            of_row=lambda row, condition: select(condition).where(_COMPANY.c.id == row.c.company_id),
            keys=lambda condition: select(_COMPANY.c.id).where(condition),
        ),
    ),
)

_FIELDS = (
    *("id", "status", "stage", "owner_email", "amount", "currency"),
    *("created_at", "updated_at", "stage_entered_at"),
)


class DealFilter(Struct, frozen=True, kw_only=True):
    """Conditions on a deal; an empty one does not filter. `created_before` is exclusive, `owner` an email address.

    `without_meeting_after`: no meeting of the deal begins after this time.
    """

    ids: Sequence[UUID] = ()
    status: Sequence[str] = ()
    stage: Sequence[str] = ()
    company_id: Sequence[UUID] = ()
    owner: Sequence[str] = ()
    simulated: SimulatedFilter = "all"
    created_from: datetime | None = None
    created_before: datetime | None = None
    without_meeting_after: datetime | None = None
    q: str | None = None


async def list_deals(
    tx: AsyncConnection, permission: Permission, filters: DealFilter, page_request: PageRequest
) -> ResultPage:
    """Returns one page of the deals that the permission allows, each with its company."""
    conditions = deal_conditions(permission, filters)
    if words := typed_words(filters.q):
        search = WordSearch(tx, permission, SEARCHED_DEALS, words, conditions)
        conditions.append(await search.of_page(SORTS, page_request))
    return await read_page(tx, _select(permission).where(*conditions), SORTS, page_request)


async def select_deals(tx: AsyncConnection, permission: Permission, filters: DealFilter) -> Select[Any]:
    """Selects the deals that the permission allows and that meet the conditions, in any order, with their companies."""
    conditions = deal_conditions(permission, filters)
    if words := typed_words(filters.q):
        conditions.append(await WordSearch(tx, permission, SEARCHED_DEALS, words, conditions).of_all())
    return _select(permission).where(*conditions)


def is_ahead(meeting: FromClause, now: datetime) -> ColumnElement[bool]:
    """Returns a condition for a row of bookings: the meeting begins after `now`."""
    return and_(meeting.c.start_time > now, meeting.c.status.in_(("ACCEPTED", "PENDING")))


async def deals_of(tx: AsyncConnection, permission: Permission, company_id: UUID) -> list[Item]:
    """Returns every deal of a company, in the order in which they were opened."""
    query = _select(permission).where(deals.c.company_id == company_id).order_by(deals.c.position)
    return [nest_columns(row) for row in (await tx.execute(query)).mappings()]


async def find_deal(tx: AsyncConnection, permission: Permission, deal_id: UUID) -> Item | None:
    """Returns the deal with its people, bookings and timeline, also by the id of one that no longer exists.

    Returns None if the permission allows no such deal.
    """
    query = _select(permission).add_columns(deals.c.lost_reason, deals.c.opened_at, deals.c.closed_at)
    row = (await tx.execute(query.where(deals.c.id == current_deal_id(deal_id)))).mappings().one_or_none()
    return None if row is None else await _with_related(tx, permission, nest_columns(row))


async def _with_related(tx: AsyncConnection, permission: Permission, deal: Item) -> Item:
    deal_id = deal["id"]
    # With seats, a booking belongs to the deal of each company in it. A union reads both sides by their indexes.
    seats = select(deal_events.c.booking_id).where(deal_events.c.deal_id == deal_id)
    own = select(bookings.c.id).where(bookings.c.deal_id == deal_id)
    deal_bookings = await bookings_of(tx, permission, bookings.c.id.in_(union(own, seats)))
    entries = await timeline(tx, permission, deal_id=[deal_id])
    return {
        **deal,
        "contacts": await _contacts(tx, permission, deal_id),
        "bookings": deal_bookings,
        "stage_history": [_stage_change(entry) for entry in entries if entry["what"].startswith("deal.")],
        "timeline": await timeline(
            tx, permission, deal_id=[deal_id], booking_id=[booking["id"] for booking in deal_bookings]
        ),
    }


def _select(permission: Permission) -> Select[Any]:
    simulated = simulated_deal().label("simulated")
    columns = (*(deals.c[name] for name in _FIELDS), workspace_of(deals), simulated)
    query = select(*columns, *nested_columns("company", companies, "id", "name", "domain"))
    return query.join_from(deals, companies, deals.c.company_id == companies.c.id).where(visible_to(permission, deals))


def deal_conditions(permission: Permission, filters: DealFilter) -> list[ColumnElement[bool]]:
    """Returns the conditions on rows of deals, without that of the words `q`."""
    # The meetings ahead are few, and found by their time: one set of them is faster than a look for each deal.
    ahead = select(bookings.c.deal_id).where(visible_to(permission, bookings), bookings.c.deal_id.is_not(None))
    return [
        if_any(filters.ids, deals.c.id.in_),
        if_set(filters.without_meeting_after, lambda at: deals.c.id.not_in(ahead.where(is_ahead(bookings, at)))),
        if_any(filters.status, deals.c.status.in_),
        if_any(filters.stage, deals.c.stage.in_),
        if_any(filters.company_id, deals.c.company_id.in_),
        if_any(filters.owner, lambda emails: deals.c.owner_email.in_([normalize_email(email) for email in emails])),
        if_simulated(filters.simulated, simulated_deal()),
        if_set(filters.created_from, lambda at: deals.c.created_at >= at),
        if_set(filters.created_before, lambda at: deals.c.created_at < at),
    ]


async def _contacts(tx: AsyncConnection, permission: Permission, deal_id: UUID) -> list[Item]:
    attendee, colleague = booking_attendees.c, people.alias()
    attended = select(attendee.person_id).join(bookings, bookings.c.id == attendee.booking_id)
    # Of another company's booking with seats, only the people of the deal's own company are its contacts.
    company_id = select(deals.c.company_id).where(deals.c.id == deal_id).scalar_subquery()
    booking_ids = select(deal_events.c.booking_id).where(deal_events.c.deal_id == deal_id)
    seated = (
        select(attendee.person_id)
        .join(colleague, colleague.c.id == attendee.person_id)
        .where(attendee.booking_id.in_(booking_ids), colleague.c.company_id == company_id)
    )
    is_contact = people.c.id.in_(union(attended.where(bookings.c.deal_id == deal_id), seated))
    query = select(*(people.c[name] for name in ("id", "email", "name", "time_zone", "phone")))
    query = query.where(is_contact, visible_to(permission, people))
    return [dict(row) for row in (await tx.execute(query.order_by(people.c.email))).mappings()]


def _stage_change(entry: Item) -> Item:
    return {**entry, "status": entry["change"].get("status"), "stage": entry["change"].get("stage")}
