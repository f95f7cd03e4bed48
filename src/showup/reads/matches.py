"""Reads the matches of bookings' attendees to leads."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.campaigns.match import MatchState
from showup.database.tables import bookings, campaigns, leads, matches
from showup.reads.rows import Item, nest_columns, nested_columns, visible_to

_FIELDS = ("id", "booking_id", "attendee", "method", "score", "evidence", "actor", "at")


async def matches_of(tx: AsyncConnection, permission: Permission, booking_id: UUID) -> list[Item]:
    """Returns the current matches of a booking's attendees, by address."""
    query = _select(permission).where(matches.c.booking_id == booking_id).order_by(matches.c.attendee)
    return [nest_columns(row) for row in (await tx.execute(query)).mappings()]


async def find_match(tx: AsyncConnection, permission: Permission, match_id: UUID) -> Item | None:
    """Returns the match with its `workspace_id`; None if the permission allows no current match with this id."""
    query = _select(permission).add_columns(matches.c.workspace_id).where(matches.c.id == match_id)
    row = (await tx.execute(query)).mappings().one_or_none()
    return None if row is None else nest_columns(row)


async def find_undone_match(tx: AsyncConnection, permission: Permission, match_id: UUID) -> Item | None:
    """Returns a match that a person undid, with the `booked_at` of its booking; None if there is none with this id."""
    query = _select(permission, "undone").add_columns(bookings.c.booked_at).where(matches.c.id == match_id)
    query = query.join(bookings, bookings.c.id == matches.c.booking_id)
    row = (await tx.execute(query)).mappings().one_or_none()
    return None if row is None else nest_columns(row)


def _select(permission: Permission, state: MatchState = "matched") -> Select[Any]:
    campaign = and_(campaigns.c.workspace_id == matches.c.workspace_id, campaigns.c.id == matches.c.campaign_id)
    query = select(
        *(matches.c[name] for name in _FIELDS),
        *nested_columns("lead", leads, "id", "email", "name", "company"),
        *nested_columns("campaign", campaigns, "id", "name", "source"),
    )
    query = query.join_from(matches, leads, leads.c.id == matches.c.lead_id).join(campaigns, campaign)
    return query.where(visible_to(permission, matches), matches.c.state == state)
