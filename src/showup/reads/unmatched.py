"""Lists attendees who are matched to no lead, for people to review."""

from uuid import UUID

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.tables import leads, unmatched_bookings
from showup.reads.keyset import PageRequest, ResultPage, Sorts, read_page
from showup.reads.rows import Item, visible_to, workspace_of

SORTS: Sorts = {name: unmatched_bookings.c[name] for name in ("start_time", "booked_at")}

_FIELDS = (
    *("id", "booking_id", "attendee", "name", "title", "start_time", "booked_at", "status", "organizer_email"),
    "dismissed",
)


class UnmatchedFilter(Struct, frozen=True, kw_only=True):
    """Conditions on an unmatched attendee; None does not filter."""

    dismissed: bool | None = None


async def list_unmatched(
    tx: AsyncConnection, permission: Permission, filters: UnmatchedFilter, page_request: PageRequest
) -> ResultPage:
    """Returns one page of the unmatched attendees that the permission allows."""
    query = select(*(unmatched_bookings.c[name] for name in _FIELDS), workspace_of(unmatched_bookings))
    query = query.where(visible_to(permission, unmatched_bookings))
    if filters.dismissed is not None:
        query = query.where(unmatched_bookings.c.dismissed.is_(filters.dismissed))
    return await read_page(tx, query, SORTS, page_request)


async def find_unmatched(tx: AsyncConnection, permission: Permission, unmatched_id: UUID) -> Item | None:
    """Returns the unmatched attendee with its `workspace_id`; None if the permission allows none with this id."""
    columns = (*(unmatched_bookings.c[name] for name in (*_FIELDS, "workspace_id")), workspace_of(unmatched_bookings))
    query = select(*columns).where(unmatched_bookings.c.id == unmatched_id, visible_to(permission, unmatched_bookings))
    row = (await tx.execute(query)).mappings().one_or_none()
    return None if row is None else dict(row)


async def find_lead_email(tx: AsyncConnection, permission: Permission, lead_id: UUID) -> str | None:
    """Returns the address of a lead; None if the permission allows no such lead."""
    email: str | None = await tx.scalar(
        select(leads.c.email).where(leads.c.id == lead_id, visible_to(permission, leads))
    )
    return email
