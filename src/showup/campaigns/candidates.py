"""Finds what a booking's attendees may match: their addresses, their stored matches, and the leads with their keys."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from showup.campaigns.match import LeadCandidate, Match, Membership


class BookingSeats(Struct, frozen=True, kw_only=True):
    """A booking, by its name in the log, with its attendees' addresses, when each booked, and their stored matches."""

    booking_id: UUID
    name: str
    booked_at: Mapping[str, datetime]
    matches: Sequence[Match]


async def seats_of(connection: asyncpg.Connection, booking_ids: Sequence[UUID]) -> list[BookingSeats]:
    """Return those of these bookings that have an attendee who may be a lead, or a match."""
    rows = await connection.fetch(
        """
        SELECT b.id, seats.emails, seats.times,
               (SELECT r.ref FROM booking_refs r WHERE r.booking_id = b.id
                ORDER BY CASE WHEN r.ref = 'uid:' || b.calcom_uid THEN 0 WHEN r.ref LIKE 'uid:%' THEN 1 ELSE 2 END,
                         r.ref LIMIT 1) AS name
        FROM bookings b CROSS JOIN LATERAL (
            SELECT array_agg(a.email ORDER BY a.email) AS emails,
                   array_agg(coalesce(a.booked_at, b.booked_at) ORDER BY a.email) AS times
            FROM booking_attendees a
            WHERE a.booking_id = b.id AND a.match_key IS NOT NULL
        ) seats
        -- Most batches of a workspace without campaigns end here.
        WHERE b.id = ANY($1::uuid[]) AND EXISTS (SELECT FROM campaigns c WHERE c.workspace_id = b.workspace_id)
        """,
        booking_ids,
    )
    if not rows:
        return []
    stored = await _matches_of(connection, booking_ids)
    return [
        BookingSeats(
            booking_id=row["id"],
            name=row["name"],
            booked_at=dict(zip(row["emails"] or (), row["times"] or (), strict=True)),
            matches=stored.get(row["id"], ()),
        )
        for row in rows
        if row["emails"] or row["id"] in stored
    ]


async def of_keys(connection: asyncpg.Connection, workspace_id: UUID, keys: Collection[str]) -> list[LeadCandidate]:
    """Return the workspace's leads that have one of these match keys, also by a further address."""
    rows = await connection.fetch(
        """
        WITH found AS (
            SELECT id, email, other_emails FROM leads WHERE workspace_id = $1 AND email = ANY($2::text[])
            UNION
            SELECT id, email, other_emails FROM leads WHERE workspace_id = $1 AND match_key = ANY($2::text[])
            UNION
            SELECT id, email, other_emails FROM leads WHERE workspace_id = $1 AND other_keys && $2::text[]
        )
        SELECT f.email, f.other_emails, m.campaign_id, c.name, m.sent, m.last_sent_at, m.interested, m.interested_at
        FROM found f JOIN campaign_leads m ON m.lead_id = f.id
        JOIN campaigns c ON c.workspace_id = $1 AND c.id = m.campaign_id
        """,
        workspace_id,
        list(keys),
    )
    memberships: dict[str, list[Membership]] = {}
    others: dict[str, Sequence[str]] = {}
    for row in rows:
        others[row["email"]] = row["other_emails"] or ()
        memberships.setdefault(row["email"], []).append(
            Membership(
                campaign_id=row["campaign_id"],
                campaign_name=row["name"],
                sent=row["sent"],
                last_sent_at=row["last_sent_at"],
                interested=row["interested"],
                interested_at=row["interested_at"],
            )
        )
    return [
        LeadCandidate(email=email, other_emails=others[email], memberships=found)
        for email, found in memberships.items()
    ]


async def bookings_with_keys(connection: asyncpg.Connection, workspace_id: UUID, keys: Collection[str]) -> list[UUID]:
    """Return the workspace's bookings that have an attendee with one of these match keys."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT b.id FROM unnest($2::text[]) AS wanted(key)
        JOIN booking_attendees a ON a.match_key = wanted.key JOIN bookings b ON b.id = a.booking_id
        WHERE b.workspace_id = $1 ORDER BY b.id
        """,
        workspace_id,
        list(keys),
    )
    return [row["id"] for row in rows]


async def _matches_of(connection: asyncpg.Connection, booking_ids: Sequence[UUID]) -> dict[UUID, list[Match]]:
    rows = await connection.fetch(
        """
        SELECT booking_id, attendee, lead_email AS lead, campaign_id, method, score, evidence::text AS evidence, state,
               event_id, actor, at
        FROM matches WHERE booking_id = ANY($1::uuid[])
        """,
        booking_ids,
    )
    found: dict[UUID, list[Match]] = {}
    for row in rows:
        values = {**dict(row), "evidence": msgspec.json.decode(row["evidence"])}
        found.setdefault(values.pop("booking_id"), []).append(Match(**values))
    return found
