"""Reads a deal as its page shows it: its head, its people, and why its values are as they are."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.engine import driver_connection
from showup.reads.record_timeline import LoggedChange

MAX_PEOPLE: Final = 20
_MAX_CHANGES: Final = 200
_MAX_DELIVERIES: Final = 2_000


class DealHead(Struct, frozen=True, kw_only=True):
    """A deal. `owner_name`: of the teammate with the owner's address. `campaign` is that of a matched attendee."""

    id: UUID
    company_id: UUID
    company: str
    domain: str | None
    status: str
    stage: str
    owner_email: str | None
    owner_name: str | None
    amount: Decimal | None
    currency: str | None
    lost_reason: str | None
    opened_at: datetime
    stage_entered_at: datetime
    closed_at: datetime | None
    source: str | None
    campaign: str | None
    is_simulated: bool


class DealPerson(Struct, frozen=True, kw_only=True):
    """A person who has or had a seat in a meeting of the deal."""

    id: UUID
    name: str | None
    email: str
    time_zone: str | None


class DestinationUpdate(Struct, frozen=True, kw_only=True):
    """What one destination received about the deal and its meetings: how often, and how often that failed."""

    destination: str
    delivered: int
    failed: int
    last_at: datetime | None


async def load_deal_head(tx: AsyncConnection, permission: Permission, deal_id: UUID) -> DealHead | None:
    """Returns the deal; None if the permission does not allow it."""
    row = await (await driver_connection(tx)).fetchrow(_HEAD, permission.workspace_id, deal_id)
    return None if row is None else DealHead(**dict(row))


async def changes_of_deal(tx: AsyncConnection, permission: Permission, deal_id: UUID) -> list[LoggedChange]:
    """Returns the latest changes of the deal itself, oldest first."""
    rows = await (await driver_connection(tx)).fetch(_CHANGES, permission.workspace_id, deal_id, _MAX_CHANGES)
    return [_entry(row) for row in reversed(rows)]


async def next_step_report(tx: AsyncConnection, permission: Permission, booking_id: UUID) -> LoggedChange | None:
    """Returns the change that gave a booking its next step; None if there is none."""
    rows = await (await driver_connection(tx)).fetch(_NEXT_STEP, permission.workspace_id, booking_id)
    return next((_entry(row) for row in rows), None)


async def people_of_deal(
    tx: AsyncConnection, permission: Permission, deal: DealHead, booking_ids: Sequence[UUID]
) -> list[DealPerson]:
    """Returns up to MAX_PEOPLE people of the deal's meetings; of those with seats, only the people of its company."""
    rows = await (await driver_connection(tx)).fetch(
        _PEOPLE, permission.workspace_id, list(booking_ids), deal.id, deal.company_id, MAX_PEOPLE
    )
    return [DealPerson(**dict(row)) for row in rows]


async def destination_updates(
    tx: AsyncConnection, permission: Permission, deal_id: UUID, booking_ids: Sequence[UUID]
) -> list[DestinationUpdate]:
    """Returns what the destinations received, by destination."""
    rows = await (await driver_connection(tx)).fetch(
        _UPDATES, permission.workspace_id, list(booking_ids), deal_id, _MAX_DELIVERIES
    )
    return [DestinationUpdate(**dict(row)) for row in rows]


async def neighbors(tx: AsyncConnection, permission: Permission, deal_id: UUID) -> tuple[UUID | None, UUID | None]:
    """Returns the deal that was created before this one, and the one after it."""
    row = await (await driver_connection(tx)).fetchrow(_NEIGHBORS, permission.workspace_id, deal_id)
    return (None, None) if row is None else (row["before"], row["after"])


async def active_deal_of_company(tx: AsyncConnection, permission: Permission, deal_id: UUID) -> UUID | None:
    """Returns the active deal of a deal's company, if that is another one."""
    found: UUID | None = await (await driver_connection(tx)).fetchval(_ACTIVE, permission.workspace_id, deal_id)
    return found


async def workspace_owners(tx: AsyncConnection, permission: Permission) -> list[tuple[str, str]]:
    """Returns the address and name of each teammate who may own a deal of the workspace, by name."""
    rows = await (await driver_connection(tx)).fetch(_OWNERS, permission.workspace_id)
    return [(row["email"], row["name"]) for row in rows]


def _entry(row: Mapping[str, Any]) -> LoggedChange:
    return LoggedChange(**dict(row) | {"change": msgspec.json.decode(row["change"])})


_HEAD: Final = """
    SELECT d.id, d.company_id, c.name AS company, c.domain, d.status, d.stage, d.owner_email, t.name AS owner_name,
           d.amount, d.currency, d.lost_reason, d.opened_at, d.stage_entered_at, d.closed_at,
           first.source, lead.campaign, coalesce(first.simulated, false) AS is_simulated
    FROM deals d
    JOIN companies c ON c.id = d.company_id
    LEFT JOIN teammates t ON t.email = d.owner_email AND EXISTS (
        SELECT 1 FROM memberships m WHERE m.teammate_id = t.id AND (m.workspace_id = $1 OR m.workspace_id IS NULL))
    LEFT JOIN LATERAL (
        SELECT b.source, b.simulated FROM bookings b WHERE b.deal_id = d.id ORDER BY b.booked_at, b.id LIMIT 1
    ) first ON true
    LEFT JOIN LATERAL (
        SELECT k.name AS campaign FROM bookings b
        JOIN matches m ON m.booking_id = b.id AND m.state = 'matched'
        JOIN campaigns k ON k.workspace_id = m.workspace_id AND k.id = m.campaign_id
        WHERE b.deal_id = d.id ORDER BY b.booked_at, b.id LIMIT 1
    ) lead ON true
    WHERE d.workspace_id = $1 AND d.id = $2
"""
_ENTRY_COLUMNS: Final = """
    l.at, l.what, l.because, l.actor, t.name AS actor_name, l.event_id, l.change::text AS change, l.booking_id,
    l.deal_id
    FROM audit_log l LEFT JOIN teammates t ON 'teammate:' || t.email = l.actor
"""
_CHANGES: Final = f"""
    SELECT {_ENTRY_COLUMNS} WHERE l.workspace_id = $1 AND l.deal_id = $2
    ORDER BY l.order_key COLLATE "C" DESC, l.number DESC LIMIT $3
"""  # our own columns
_NEXT_STEP: Final = f"""
    SELECT {_ENTRY_COLUMNS} WHERE l.workspace_id = $1 AND l.booking_id = $2 AND l.change ? 'next_step'
    ORDER BY l.order_key COLLATE "C" DESC, l.number DESC LIMIT 1
"""  # our own columns
_PEOPLE: Final = """
    SELECT p.id, p.name, p.email, p.time_zone FROM people p
    WHERE p.workspace_id = $1 AND p.id IN (
        SELECT a.person_id FROM booking_attendees a JOIN bookings b ON b.id = a.booking_id
        WHERE a.booking_id = ANY($2::uuid[]) AND (b.deal_id = $3 OR EXISTS (
            SELECT 1 FROM people own WHERE own.id = a.person_id AND own.company_id = $4))
    )
    ORDER BY p.email LIMIT $5
"""
_UPDATES: Final = """
    SELECT d.destination, count(*) FILTER (WHERE d.state IN ('delivered', 'previewed'))::int AS delivered,
           count(*) FILTER (WHERE d.state = 'failed')::int AS failed, max(d.updated_at) AS last_at
    FROM (
        SELECT x.destination, x.state, x.updated_at FROM deliveries x
        WHERE x.workspace_id = $1 AND (x.booking_id = ANY($2::uuid[]) OR x.deal_id = $3)
          AND x.state IN ('delivered', 'previewed', 'failed') LIMIT $4
    ) d
    GROUP BY d.destination ORDER BY d.destination
"""
_NEIGHBORS: Final = """
    SELECT (SELECT x.id FROM deals x WHERE x.workspace_id = $1 AND (x.created_at, x.id) < (d.created_at, d.id)
            ORDER BY x.created_at DESC, x.id DESC LIMIT 1) AS before,
           (SELECT x.id FROM deals x WHERE x.workspace_id = $1 AND (x.created_at, x.id) > (d.created_at, d.id)
            ORDER BY x.created_at, x.id LIMIT 1) AS after
    FROM deals d WHERE d.workspace_id = $1 AND d.id = $2
"""
_ACTIVE: Final = """
    SELECT x.id FROM deals d JOIN deals x ON x.company_id = d.company_id AND x.status = 'active' AND x.id <> d.id
    WHERE d.workspace_id = $1 AND d.id = $2
"""
_OWNERS: Final = """
    SELECT DISTINCT t.email, t.name FROM teammates t JOIN memberships m ON m.teammate_id = t.id
    WHERE (m.workspace_id = $1 OR m.workspace_id IS NULL) AND m.role <> 'read_only' ORDER BY t.name, t.email LIMIT 200
"""
