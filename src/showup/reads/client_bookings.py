"""Lists a workspace's bookings in the form that seed 002 fixes (CA6): one row for each attendee who is no teammate."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Integer, and_, cast, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import Select

from showup.access import workspaces_store
from showup.access.permission import Permission
from showup.access.workspace import Workspace, is_slug
from showup.database.tables import booking_attendees, booking_facts, bookings, campaigns, matches, workspaces
from showup.reads.lead_sources import workspace_of_source
from showup.reads.rows import Item, if_set
from showup.values.proportion import rate

MAX_ROWS: Final = 10_000
_MAX_ID: Final = 2**63

_InPeriod: TypeAlias = Callable[[ColumnElement[datetime]], list[ColumnElement[bool]]]
"""The conditions that a time is in the requested period."""


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

    def in_period(at: ColumnElement[datetime]) -> list[ColumnElement[bool]]:
        return [if_set(booked_from, lambda since: at >= since), if_set(booked_before, lambda until: at < until)]

    counted = (await tx.execute(_summary(workspace_id, in_period))).one()
    rows = await tx.execute(_with_campaigns(workspace_id, in_period, limit))
    return {
        "bookings": [dict(row) for row in rows.mappings()],
        "summary": {
            "total_bookings": int(counted.total),
            "total_shows": int(counted.shows),
            "total_no_shows": int(counted.no_shows),
            "pending_meetings": int(counted.total - counted.shows - counted.no_shows),
            "show_rate": rate(int(counted.shows), int(counted.total)) or 0,
        },
        "timestamp": now,
    }


def _seats(workspace_id: UUID, booked_at: ColumnElement[datetime], *conditions: ColumnElement[bool]) -> Select[Any]:
    a, b = booking_attendees.c, bookings.c
    columns = (
        *(a.booking_id, a.position, a.email, a.attendee_key, booked_at.label("booked_at")),
        *(b.start_time, a.attended),
    )
    return (
        select(*columns)
        .join_from(bookings, booking_attendees, a.booking_id == b.id)
        .where(
            b.workspace_id == workspace_id,
            b.status.in_(("ACCEPTED", "PENDING")),
            # Organizers and teammates have no key.
            a.attendee_key.is_not(None),
            a.cancelled_at.is_(None),
            ~b.simulated,
            *conditions,
        )
    )


def _late_seats(workspace_id: UUID, in_period: _InPeriod) -> Select[Any]:
    """Return the seats that were taken after the booking was made."""
    at = booking_attendees.c.booked_at
    return _seats(workspace_id, at, at.is_not(None), *in_period(at))


def _summary(workspace_id: UUID, in_period: _InPeriod) -> Select[Any]:
    """Return how many seats there are, and how many of them came or did not."""
    f, late = booking_facts.c, _late_seats(workspace_id, in_period).subquery("late").c
    chosen = (f.workspace_id == workspace_id, f.seats > 0, ~f.simulated, *in_period(f.booked_at))
    columns = (f.seats.label("seats"), f.seats_showed.label("shows"), f.seats_missed.label("no_shows"))
    of_late = (literal(1), cast(late.attended.is_(True), Integer), cast(late.attended.is_(False), Integer))
    both = union_all(select(*columns).where(*chosen), select(*of_late)).subquery("seats").c
    return select(
        *(func.coalesce(func.sum(both.seats), 0).label("total"), func.coalesce(func.sum(both.shows), 0).label("shows")),
        func.coalesce(func.sum(both.no_shows), 0).label("no_shows"),
    )


def _with_campaigns(workspace_id: UUID, in_period: _InPeriod, limit: int) -> Select[Any]:
    """Return the newest seats with their campaigns, which are looked up for these alone.

    Two lists, each of which an index has in order: a seat has its own time of booking, or that of the booking.
    """
    m, c = matches.c, campaigns.c
    at = bookings.c.booked_at
    early = _seats(workspace_id, at, booking_attendees.c.booked_at.is_(None), *in_period(at))

    def newest(seats: Select[Any]) -> Select[Any]:
        columns = seats.selected_columns
        ordered = seats.order_by(columns.booked_at.desc(), columns.booking_id, columns.position)
        return select(ordered.limit(limit).subquery())

    both = union_all(newest(early), newest(_late_seats(workspace_id, in_period))).subquery("both").c
    s = select(*both).order_by(both.booked_at.desc(), both.booking_id, both.position).limit(limit).subquery("newest").c
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
