"""Store matches in PostgreSQL. Only the projector does so."""

from collections.abc import Collection, Iterable, Mapping
from hashlib import md5
from typing import Any
from uuid import UUID, uuid5

import asyncpg
from msgspec import Struct

from showup.campaigns import funnel_store
from showup.campaigns.funnel import FunnelSeat
from showup.campaigns.lead import lead_id
from showup.campaigns.match import Match, match_id
from showup.database import bulk
from showup.database.tables import funnel_seats, matches

_SEAT_COLUMNS = tuple(name for name in FunnelSeat.__struct_fields__ if name not in ("attendee", "lead", "person"))


class MatchedBooking(Struct, frozen=True):
    """The matches of a booking's attendees, and their seats."""

    matches: Iterable[Match]
    seats: Iterable[FunnelSeat]


async def save(connection: asyncpg.Connection, workspace_id: UUID, matched: Mapping[UUID, MatchedBooking]) -> None:
    """Replace the matches of these bookings, their seats in the funnel, and what became of the people in them."""
    before = await _remove(connection, matched)
    await _save_matches(connection, workspace_id, matched)
    seats = [
        {
            **_seat_ids(workspace_id, booking_id, seat),
            "workspace_id": workspace_id,
            "booking_id": booking_id,
            **{name: getattr(seat, name) for name in _SEAT_COLUMNS},
        }
        for booking_id, one in matched.items()
        for seat in one.seats
    ]
    await bulk.insert(connection, funnel_seats, seats)
    await funnel_store.save_people(connection, before | {row["person_id"] for row in seats})


def _seat_ids(workspace_id: UUID, booking_id: UUID, seat: FunnelSeat) -> dict[str, Any]:
    """Return the ids of a seat, its lead and its person."""
    if seat.lead is not None and seat.person is not None:
        return {
            "id": match_id(booking_id, seat.attendee, seat.lead),
            "lead_id": lead_id(workspace_id, seat.lead),
            "person_id": lead_id(workspace_id, seat.person),
        }
    # The id that the view `unmatched_bookings` computes; no secret.
    key = md5(f"{booking_id}:{seat.attendee}".encode(), usedforsecurity=False)
    person = seat.person or f"{booking_id} {seat.attendee}"
    return {"id": UUID(bytes=key.digest()), "lead_id": None, "person_id": uuid5(workspace_id, f"unmatched:{person}")}


async def _save_matches(
    connection: asyncpg.Connection, workspace_id: UUID, matched: Mapping[UUID, MatchedBooking]
) -> None:
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
        for booking_id, found in matched.items()
        for one in found.matches
    ]
    await bulk.insert(connection, matches, rows)


async def bookings_of_mailboxes(connection: asyncpg.Connection, workspace_id: UUID, keys: Collection[str]) -> set[UUID]:
    """Return the bookings of attendees who are matched to leads with these match keys."""
    rows = await connection.fetch(
        """
        SELECT m.booking_id FROM leads l JOIN matches m ON m.lead_id = l.id
        WHERE l.workspace_id = $1 AND l.email = ANY($2::text[]) AND m.state = 'matched'
        UNION
        SELECT m.booking_id FROM leads l JOIN matches m ON m.lead_id = l.id
        WHERE l.workspace_id = $1 AND l.match_key = ANY($2::text[]) AND m.state = 'matched'
        """,
        workspace_id,
        list(keys),
    )
    return {row["booking_id"] for row in rows}


async def remove(connection: asyncpg.Connection, booking_ids: Collection[UUID]) -> None:
    """Remove the matches of these bookings, and their seats in the funnel."""
    await funnel_store.save_people(connection, await _remove(connection, booking_ids))


async def _remove(connection: asyncpg.Connection, booking_ids: Collection[UUID]) -> set[UUID]:
    """Return the people who had seats."""
    seats = await connection.fetch(
        "DELETE FROM funnel_seats WHERE booking_id = ANY($1::uuid[]) RETURNING person_id", list(booking_ids)
    )
    await connection.execute("DELETE FROM matches WHERE booking_id = ANY($1::uuid[])", list(booking_ids))
    return {row["person_id"] for row in seats}
