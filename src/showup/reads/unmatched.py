"""Lists attendees who are matched to no lead, with the leads that they may be, for people to review."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.tables import bookings, campaigns, leads, unmatched_bookings
from showup.reads.keyset import PageRequest, ResultPage, Sorts, read_page
from showup.reads.lead_candidates import candidates_of
from showup.reads.rows import Item, visible_to, workspace_of

SORTS: Sorts = {name: unmatched_bookings.c[name] for name in ("start_time", "booked_at")}

_FIELDS = (
    *("id", "booking_id", "attendee", "email", "phone", "name", "title", "start_time", "booked_at", "status"),
    *("organizer_email", "simulated", "dismissed"),
)


# Names and companies are compared by them.
_COMPARED_FIELDS = ("workspace_id", "company_answer", "company_key")


class UnmatchedFilter(Struct, frozen=True, kw_only=True):
    """Conditions on an unmatched attendee; None does not filter."""

    dismissed: bool | None = None


async def list_unmatched(
    tx: AsyncConnection, permission: Permission, filters: UnmatchedFilter, page_request: PageRequest
) -> ResultPage:
    """Returns one page of the unmatched attendees that the permission allows, each with its `candidates`."""
    query = _select(permission)
    if filters.dismissed is not None:
        query = query.where(unmatched_bookings.c.dismissed.is_(filters.dismissed))
    page = await read_page(tx, query, SORTS, page_request)
    candidates = await candidates_of(tx, page.items)
    items = [{**item, "candidates": candidates[item["id"]]} for item in page.items]
    return ResultPage(items=items, next_cursor=page.next_cursor)


async def find_unmatched(tx: AsyncConnection, permission: Permission, unmatched_id: UUID) -> Item | None:
    """Returns the unmatched attendee with its candidates; None if the permission allows none with this id."""
    query = _select(permission).where(unmatched_bookings.c.id == unmatched_id)
    row = (await tx.execute(query)).mappings().one_or_none()
    if row is None:
        return None
    item = dict(row)
    return {**item, "candidates": (await candidates_of(tx, [item]))[unmatched_id]}


async def newest_suggestions(tx: AsyncConnection, permission: Permission, since: datetime, *, limit: int) -> list[Item]:
    """Returns who of the latest meetings since then may be a lead, each with its candidates, the surest first.

    `limit`: how many attendees are compared.
    """
    u = unmatched_bookings.c
    has_campaigns = select(campaigns.c.id).where(campaigns.c.workspace_id == u.workspace_id).exists()
    is_real = ~select(bookings.c.id).where(bookings.c.id == u.booking_id, bookings.c.simulated).exists()
    query = _select(permission).where(u.start_time >= since, ~u.dismissed, has_campaigns, is_real)
    rows = await tx.execute(query.order_by(u.start_time.desc(), u.id).limit(limit))
    items = [dict(row) for row in rows.mappings()]
    found = await candidates_of(tx, items) if items else {}
    likely = [{**item, "candidates": found[item["id"]]} for item in items if found[item["id"]]]
    # Somebody who booked twice is asked about once.
    by_attendee = {item["attendee"]: item for item in reversed(likely)}
    return sorted(by_attendee.values(), key=lambda item: -item["candidates"][0]["score"])


def _select(permission: Permission) -> Select[Any]:
    columns = (unmatched_bookings.c[name] for name in (*_FIELDS, *_COMPARED_FIELDS))
    return select(*columns, workspace_of(unmatched_bookings)).where(visible_to(permission, unmatched_bookings))


async def has_leads(tx: AsyncConnection, permission: Permission) -> bool:
    """Returns whether any lead can be linked."""
    return await tx.scalar(select(leads.c.id).where(visible_to(permission, leads)).limit(1)) is not None


async def find_lead_email(tx: AsyncConnection, permission: Permission, lead_id: UUID) -> str | None:
    """Returns the address of a lead; None if the permission allows no such lead."""
    email: str | None = await tx.scalar(
        select(leads.c.email).where(leads.c.id == lead_id, visible_to(permission, leads))
    )
    return email
