"""Store matches in PostgreSQL. Only the projector does so."""

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

import asyncpg

from showup.campaigns.lead import lead_id
from showup.campaigns.match import Match, match_id
from showup.database import bulk
from showup.database.tables import matches


async def save(connection: asyncpg.Connection, workspace_id: UUID, matches_of: Mapping[UUID, Iterable[Match]]) -> None:
    """Replace the matches of these bookings."""
    await remove(connection, matches_of)
    rows = [
        {
            "id": match_id(booking_id, one.attendee, one.lead),
            "workspace_id": workspace_id,
            "booking_id": booking_id,
            "attendee": one.attendee,
            "lead_id": lead_id(workspace_id, one.lead),
            "lead_email": one.lead,
            "campaign_id": one.campaign_id,
            "method": one.method,
            "score": one.score,
            "evidence": one.evidence,
            "state": one.state,
            "event_id": one.event_id,
            "actor": one.actor,
            "at": one.at,
        }
        for booking_id, found in matches_of.items()
        for one in found
    ]
    await bulk.insert(connection, matches, rows)


async def remove(connection: asyncpg.Connection, booking_ids: Collection[UUID]) -> None:
    """Remove the matches of these bookings."""
    await connection.execute("DELETE FROM matches WHERE booking_id = ANY($1::uuid[])", list(booking_ids))
