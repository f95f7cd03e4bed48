"""Reads proposals: one, those of a deal's meetings, and what the form of a new one needs."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.tables import (
    booking_attendees,
    bookings,
    companies,
    deals,
    proposal_files,
    proposals,
    teammates,
    workspaces,
)
from showup.proposals.proposal import LineItem, ProposalContent, ProposalStatus
from showup.reads.current_ids import current_booking_id
from showup.reads.rows import visible_to, workspace_of
from showup.reads.shown_booking import shown_company_id, shown_deal_id

MAX_LISTED = 50
"""A deal's page shows its latest proposals, up to so many."""

_COLUMNS = (
    *("id", "workspace_id", "booking_id", "number", "status", "total", "version", "created_by", "created_at"),
    *("updated_at", "ready_at", "sent_at", "decided_at", "marked_by"),
)


class FoundProposal(Struct, frozen=True, kw_only=True):
    """A proposal with its meeting and its deal. `is_replaced`: a later one of the company has a PDF.

    `pages` of its PDF; None if there is none of this version. `author` is a teammate's name or the actor in the log.
    """

    id: UUID
    workspace_id: UUID
    workspace: str
    booking_id: UUID
    deal_id: UUID | None
    company: str | None
    number: int
    status: ProposalStatus
    content: ProposalContent
    total: Decimal
    version: int
    created_by: str
    author: str | None
    created_at: datetime
    updated_at: datetime
    ready_at: datetime | None
    sent_at: datetime | None
    decided_at: datetime | None
    marked_by: UUID | None
    simulated: bool
    is_replaced: bool
    pages: int | None


class Recipient(Struct, frozen=True, kw_only=True):
    """An attendee whom a proposal may be for."""

    email: str
    name: str | None


class ProposalContext(Struct, frozen=True, kw_only=True):
    """The meeting that a proposal follows, its company and deal, and who took part.

    `number` is that of the company's latest proposal, 0 before the first. `notes` are those of the outcome.
    """

    booking_id: UUID
    workspace_id: UUID
    workspace_name: str
    time_zone: str
    simulated: bool
    kind: str
    start_time: datetime
    organizer_name: str | None
    organizer_email: str | None
    booker_url: str | None
    notes: str | None
    company_id: UUID | None
    company: str | None
    deal_id: UUID | None
    deal_status: str | None
    stage: str | None
    amount: Decimal | None
    currency: str | None
    number: int
    recipients: Sequence[Recipient]

    @property
    def author(self) -> str:
        """Return who made the meeting, as the foot of the page names them."""
        return " · ".join(one for one in (self.organizer_name, self.organizer_email) if one)


async def find_proposal(tx: AsyncConnection, permission: Permission, proposal_id: UUID) -> FoundProposal | None:
    """Returns a proposal; None if the permission does not allow it."""
    found = await _fetch(tx, _select(permission).where(proposals.c.id == proposal_id))
    return found[0] if found else None


async def proposals_of_bookings(
    tx: AsyncConnection, permission: Permission, booking_ids: Collection[UUID]
) -> list[FoundProposal]:
    """Returns the proposals of these bookings, latest first."""
    query = _select(permission).where(proposals.c.booking_id.in_(booking_ids))
    return await _fetch(tx, query.order_by(proposals.c.created_at.desc(), proposals.c.id).limit(MAX_LISTED))


async def load_context(tx: AsyncConnection, permission: Permission, booking_id: UUID) -> ProposalContext | None:
    """Returns what a proposal about this meeting needs; None if the permission does not allow the booking."""
    b = bookings.c
    query = select(
        b.id.label("booking_id"),
        b.workspace_id,
        workspaces.c.name.label("workspace_name"),
        workspaces.c.time_zone,
        b.simulated,
        func.coalesce(b.event_type_title, b.event_type, b.title).label("kind"),
        *(b.start_time, b.organizer_name, b.organizer_email, b.booker_url, b.outcome_notes.label("notes")),
        companies.c.id.label("company_id"),
        companies.c.name.label("company"),
        deals.c.id.label("deal_id"),
        deals.c.status.label("deal_status"),
        *(deals.c.stage, deals.c.amount, deals.c.currency),
    )
    query = query.join_from(bookings, workspaces, workspaces.c.id == b.workspace_id)
    query = query.outerjoin(companies, companies.c.id == shown_company_id())
    query = query.outerjoin(deals, deals.c.id == shown_deal_id())
    query = query.where(b.id == current_booking_id(booking_id), visible_to(permission, bookings))
    row = (await tx.execute(query)).mappings().one_or_none()
    if row is None:
        return None
    return ProposalContext(
        **row,
        number=await latest_number(tx, row["booking_id"], row["company_id"]),
        recipients=await _recipients(tx, row["booking_id"]),
    )


async def latest_number(tx: AsyncConnection, booking_id: UUID, company_id: UUID | None) -> int:
    """Returns the number of the latest proposal of the company, or else of the booking; 0 before the first."""
    b, p = bookings.c, proposals.c
    of_company = or_(b.company_id == company_id, b.seat_company_id == company_id)
    condition = p.booking_id == booking_id if company_id is None else of_company
    query = select(func.coalesce(func.max(p.number), 0)).join_from(proposals, bookings, b.id == p.booking_id)
    found: int = await tx.scalar(query.where(condition)) or 0
    return found


async def _recipients(tx: AsyncConnection, booking_id: UUID) -> list[Recipient]:
    a = booking_attendees.c
    query = select(a.email, a.name).where(a.booking_id == booking_id, a.email.is_not(None), a.cancelled_at.is_(None))
    rows = (await tx.execute(query.order_by(a.position).limit(MAX_LISTED))).mappings()
    return [Recipient(**row) for row in rows]


def _select(permission: Permission) -> Select[Any]:
    p, b, file = proposals.c, bookings.c, proposal_files.c
    later, meeting = proposals.alias("later"), bookings.alias("meeting")
    replaced = select(1).join_from(later, meeting, meeting.c.id == later.c.booking_id)
    replaced = replaced.where(
        meeting.c.company_id == b.company_id,
        later.c.number > p.number,
        later.c.status.in_(("ready", "sent", "accepted")),
    ).correlate(proposals, bookings)
    query = select(
        *(p[name] for name in _COLUMNS),
        *(p[name] for name in ("title", "scope", "currency", "valid_until", "recipient", "notes")),
        p["items"].label("lines"),
        workspace_of(proposals),
        b.simulated,
        shown_deal_id().label("deal_id"),
        companies.c.name.label("company"),
        teammates.c.name.label("author"),
        and_(p.status.in_(("ready", "sent")), replaced.exists()).label("is_replaced"),
        file.pages,
    )
    query = query.join_from(proposals, bookings, b.id == p.booking_id)
    query = query.outerjoin(companies, companies.c.id == shown_company_id())
    query = query.outerjoin(teammates, "teammate:" + teammates.c.email == p.created_by)
    query = query.outerjoin(proposal_files, and_(file.proposal_id == p.id, file.version == p.version))
    return query.where(visible_to(permission, proposals))


async def _fetch(tx: AsyncConnection, query: Select[Any]) -> list[FoundProposal]:
    return [_found(dict(row)) for row in (await tx.execute(query)).mappings()]


def _found(row: dict[str, Any]) -> FoundProposal:
    lines = msgspec.convert(row.pop("lines"), tuple[LineItem, ...])
    valid_until: date | None = row.pop("valid_until")
    texts = {name: row.pop(name) for name in ("title", "scope", "currency", "recipient", "notes")}
    return FoundProposal(**row, content=ProposalContent(items=lines, valid_until=valid_until, **texts))
