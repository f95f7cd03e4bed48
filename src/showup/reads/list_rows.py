"""Reads what the rows of lists show beyond their records, for the rows of one page."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.engine import driver_connection


class Source(Struct, frozen=True, kw_only=True):
    """Where a deal or a booking came from: the name of the booking's source, and the campaign if a lead booked."""

    id: UUID
    source: str
    campaign: str | None


class BookingExtras(Struct, frozen=True, kw_only=True):
    """What a booking's row shows beyond its record. `time_zone` is that of the first attendee who kept a seat."""

    id: UUID
    end_time: datetime
    kind: str
    outcome: str | None
    organizer_name: str | None
    time_zone: str | None
    campaign: str | None


class CompanyExtras(Struct, frozen=True, kw_only=True):
    """What a company's row shows beyond its record: its people, counted up to 100, and its active deal."""

    id: UUID
    people: int
    names: Sequence[str]
    deal_id: UUID | None
    stage: str | None
    amount: Decimal | None
    currency: str | None


async def sources_of_deals(tx: AsyncConnection, permission: Permission, deal_ids: Sequence[UUID]) -> dict[UUID, Source]:
    """Returns where deals came from: the source of the first booking of each; a deal without one is missing."""
    rows = await (await driver_connection(tx)).fetch(_SOURCES, permission.workspace_id, list(deal_ids))
    return {row["id"]: Source(**row) for row in rows}


async def extras_of_bookings(
    tx: AsyncConnection, permission: Permission, booking_ids: Sequence[UUID]
) -> dict[UUID, BookingExtras]:
    """Returns what the rows of bookings show."""
    rows = await (await driver_connection(tx)).fetch(_BOOKINGS, permission.workspace_id, list(booking_ids))
    return {row["id"]: BookingExtras(**row) for row in rows}


async def extras_of_companies(
    tx: AsyncConnection, permission: Permission, company_ids: Sequence[UUID]
) -> dict[UUID, CompanyExtras]:
    """Returns what the rows of companies show."""
    rows = await (await driver_connection(tx)).fetch(_COMPANIES, permission.workspace_id, list(company_ids))
    return {row["id"]: CompanyExtras(**row) for row in rows}


async def teammate_names(tx: AsyncConnection, permission: Permission) -> dict[str, str]:
    """Returns the names of the workspace's teammates by their address."""
    rows = await (await driver_connection(tx)).fetch(_TEAMMATES, permission.workspace_id)
    return {row["email"]: row["name"] for row in rows}


_SOURCES: Final = """
    SELECT of_deal.id, b.source, k.name AS campaign
    FROM unnest($2::uuid[]) AS of_deal(id)
    CROSS JOIN LATERAL (
        SELECT x.id, x.source FROM bookings x WHERE x.deal_id = of_deal.id AND x.workspace_id = $1
        ORDER BY x.booked_at, x.id LIMIT 1
    ) b
    LEFT JOIN LATERAL (
        SELECT c.name FROM matches m JOIN campaigns c ON c.workspace_id = m.workspace_id AND c.id = m.campaign_id
        WHERE m.booking_id = b.id AND m.state = 'matched' ORDER BY m.attendee LIMIT 1
    ) k ON true
"""
_BOOKINGS: Final = """
    SELECT b.id, coalesce(b.end_time, b.start_time) AS end_time,
           coalesce(b.event_type_title, b.event_type, '') AS kind, b.outcome, b.organizer_name,
           coalesce(seat.time_zone, p.time_zone) AS time_zone, k.name AS campaign
    FROM bookings b
    LEFT JOIN people p ON p.id = b.person_id
    LEFT JOIN LATERAL (
        SELECT a.time_zone FROM booking_attendees a
        WHERE a.booking_id = b.id AND a.cancelled_at IS NULL ORDER BY a.position LIMIT 1
    ) seat ON true
    LEFT JOIN LATERAL (
        SELECT c.name FROM matches m JOIN campaigns c ON c.workspace_id = m.workspace_id AND c.id = m.campaign_id
        WHERE m.booking_id = b.id AND m.state = 'matched' ORDER BY m.attendee LIMIT 1
    ) k ON true
    WHERE b.workspace_id = $1 AND b.id = ANY($2::uuid[])
"""
_COMPANIES: Final = """
    SELECT c.id, staff.people, staff.names, d.id AS deal_id, d.stage, d.amount, d.currency
    FROM companies c
    CROSS JOIN LATERAL (
        SELECT count(*)::int AS people, coalesce((array_agg(name ORDER BY email))[1:3], '{}') AS names FROM (
            SELECT coalesce(p.name, p.email) AS name, p.email FROM people p WHERE p.company_id = c.id LIMIT 100
        ) found
    ) staff
    LEFT JOIN deals d ON d.company_id = c.id AND d.status = 'active'
    WHERE c.workspace_id = $1 AND c.id = ANY($2::uuid[])
"""
_TEAMMATES: Final = """
    SELECT t.email, t.name FROM teammates t WHERE EXISTS (
        SELECT 1 FROM memberships m WHERE m.teammate_id = t.id AND (m.workspace_id = $1 OR m.workspace_id IS NULL))
    ORDER BY t.name, t.email LIMIT 200
"""
