"""Lists a workspace's bookings in the form that seed 002 fixes (CA6): one row for each attendee who is no teammate."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import Select

from showup.access import workspaces_store
from showup.access.permission import Permission
from showup.access.workspace import Workspace, is_slug
from showup.database.tables import booking_attendees, bookings, campaigns, matches, workspaces
from showup.reads.lead_sources import workspace_of_source
from showup.reads.rows import Item, if_set
from showup.values.proportion import rate

MAX_ROWS: Final = 10_000
_MAX_ID: Final = 2**63


async def find_client(tx: AsyncConnection, permission: Permission, client_id: str) -> Workspace | None:
    """Returns the workspace with this slug, UUID or EmailBison id; None if the permission allows no such workspace.

    Workspaces that the permission doesn't allow change nothing: they may have any slug, and read any EmailBison.
    """
    if is_slug(client_id):
        workspace = await workspaces_store.find(tx, client_id)
        if workspace is not None and permission.can_see(workspace.id):
            return workspace
    workspace_id = _uuid(client_id)
    if workspace_id is None and client_id.isdecimal() and client_id.isascii() and int(client_id) < _MAX_ID:
        workspace_id = await workspace_of_source(tx, permission, int(client_id))
    if workspace_id is None or not permission.can_see(workspace_id):
        return None
    known = await tx.scalar(select(workspaces.c.id).where(workspaces.c.id == workspace_id))
    return None if known is None else await workspaces_store.get(tx, workspace_id)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


async def client_bookings(
    tx: AsyncConnection,
    workspace_id: UUID,
    *,
    booked_from: datetime | None,
    booked_before: datetime | None,
    now: datetime,
    limit: int = MAX_ROWS,
) -> Item:
    """Returns the newest rows, and a summary of all that the times select (the later exclusive); nothing simulated.

    `pending_meetings` are all that are neither a show nor a no-show.
    """
    a, b = booking_attendees.c, bookings.c
    booked_at = func.coalesce(a.booked_at, b.booked_at)
    seats = (
        select(a.booking_id, a.position)
        .join_from(bookings, booking_attendees, a.booking_id == b.id)
        .where(
            b.workspace_id == workspace_id,
            b.status.in_(("ACCEPTED", "PENDING")),
            # Organizers and teammates have no key.
            a.attendee_key.is_not(None),
            a.cancelled_at.is_(None),
            ~b.simulated,
            if_set(booked_from, lambda at: booked_at >= at),
            if_set(booked_before, lambda at: booked_at < at),
        )
    )
    shows, no_shows = (func.count().filter(a.attended.is_(value)) for value in (True, False))
    summary = seats.with_only_columns(func.count().label("total"), shows.label("shows"), no_shows.label("no_shows"))
    counted = (await tx.execute(summary)).one()
    rows = await tx.execute(_with_campaigns(seats, limit))
    return {
        "bookings": [dict(row) for row in rows.mappings()],
        "summary": {
            "total_bookings": counted.total,
            "total_shows": counted.shows,
            "total_no_shows": counted.no_shows,
            "pending_meetings": counted.total - counted.shows - counted.no_shows,
            "show_rate": rate(counted.shows, counted.total) or 0,
        },
        "timestamp": now,
    }


def _with_campaigns(seats: Select[tuple[UUID, int]], limit: int) -> Select[tuple[object, ...]]:
    """Return the newest seats with their campaigns, which are looked up for these alone."""
    a, b, m, c = booking_attendees.c, bookings.c, matches.c, campaigns.c
    booked_at = func.coalesce(a.booked_at, b.booked_at)
    columns = (
        a.booking_id,
        a.position,
        a.email,
        a.attendee_key,
        booked_at.label("booked_at"),
        b.start_time,
        a.attended,
    )
    ordered = seats.with_only_columns(*columns).order_by(booked_at.desc(), b.id, a.position)
    s = ordered.limit(limit).subquery("newest").c
    of_seat = and_(m.booking_id == s.booking_id, m.attendee == s.attendee_key, m.state == "matched")
    return (
        select(
            func.coalesce(m.campaign_id, 0, type_=BigInteger).label("campaign_id"),
            func.coalesce(c.name, "").label("campaign_name"),
            func.coalesce(m.lead_email, s.email, "").label("lead_email"),
            s.booked_at,
            s.start_time.label("scheduled_time"),
            s.attended.label("showed_up"),
        )
        .outerjoin(matches, of_seat)
        .outerjoin(campaigns, and_(c.workspace_id == m.workspace_id, c.id == m.campaign_id))
        .order_by(s.booked_at.desc(), s.booking_id, s.position)
    )
