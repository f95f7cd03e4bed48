"""Finds what a booking's attendees may match: their addresses, their stored matches, and the leads with their keys."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from showup.campaigns.match import LeadCandidate, Match, Membership
from showup.campaigns.name_match.keys import LeadKeys


class SeatRow(Struct, frozen=True, kw_only=True):
    """An attendee who may be a lead, by their key in the booking (`Attendee.key`).

    `may_match_by_name`: they have an address at a company or none at all, and nobody dismissed them. `booked_at`: when
    they booked or took their seat. `company_answer` is the company that they named, `company_key` that of the address.
    """

    key: str
    email: str | None
    name: str | None
    booked_at: datetime
    company_answer: str | None
    company_key: str | None
    may_match_by_name: bool


class BookingSeats(Struct, frozen=True, kw_only=True):
    """A booking, by its name in the log, with its attendees and their stored matches."""

    booking_id: UUID
    name: str
    seats: Sequence[SeatRow]
    matches: Sequence[Match]


async def seats_of(connection: asyncpg.Connection, booking_ids: Sequence[UUID]) -> list[BookingSeats]:
    """Return those of these bookings that have an attendee who may be a lead, or a match."""
    rows = await connection.fetch(
        """
        SELECT b.id,
               (SELECT r.ref FROM booking_refs r WHERE r.booking_id = b.id
                ORDER BY CASE WHEN r.ref = 'uid:' || b.calcom_uid THEN 0 WHEN r.ref LIKE 'uid:%' THEN 1 ELSE 2 END,
                         r.ref LIMIT 1) AS name
        FROM bookings b
        -- Most batches of a workspace without campaigns end here.
        WHERE b.id = ANY($1::uuid[]) AND EXISTS (SELECT FROM campaigns c WHERE c.workspace_id = b.workspace_id)
        """,
        booking_ids,
    )
    if not rows:
        return []
    stored = await _matches_of(connection, booking_ids)
    seats = await _seats_of(connection, [row["id"] for row in rows])
    return [
        BookingSeats(
            booking_id=row["id"],
            name=row["name"],
            seats=seats.get(row["id"], ()),
            matches=stored.get(row["id"], ()),
        )
        for row in rows
        if row["id"] in seats or row["id"] in stored
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
        -- Where nothing else decides between campaigns of one name, the first number does.
        ORDER BY f.email, m.campaign_id
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


async def attendees_to_match(
    connection: asyncpg.Connection, workspace_id: UUID, keys: Collection[str], emails: Collection[str]
) -> set[str]:
    """Return the attendees without a match who have one of these match keys, which are those of leads with `emails`.

    Somebody who took a match with one of these leads back is left out: nobody is matched to the same lead again.
    """
    rows = await connection.fetch(
        """
        SELECT DISTINCT a.attendee_key FROM unnest($2::text[]) AS wanted(key)
        JOIN booking_attendees a ON a.match_key = wanted.key JOIN bookings b ON b.id = a.booking_id
        WHERE b.workspace_id = $1 AND a.attendee_key IS NOT NULL AND NOT EXISTS (
            SELECT FROM matches m WHERE m.booking_id = a.booking_id AND m.attendee = a.attendee_key
            AND (m.state = 'matched' OR m.state = 'undone' AND m.lead_email = ANY($3::text[]))
        )
        """,
        workspace_id,
        list(keys),
        list(emails),
    )
    return {row["attendee_key"] for row in rows}


async def keys_of(
    connection: asyncpg.Connection, workspace_id: UUID, lead_ids: Collection[UUID]
) -> tuple[set[str], set[str]]:
    """Return the keys of these leads' addresses, and those of their names; none if the workspace has no booking."""
    rows = await connection.fetch(
        """
        SELECT coalesce(match_key, email) AS key, other_keys, family_key, first_key, company_key FROM leads
        WHERE id = ANY($2::uuid[]) AND EXISTS (SELECT FROM bookings b WHERE b.workspace_id = $1)
        """,
        workspace_id,
        list(lead_ids),
    )
    addresses = {key for row in rows for key in (row["key"], *(row["other_keys"] or ()))}
    names = {key for row in rows for key in LeadKeys(row["family_key"], row["first_key"], row["company_key"]).shared()}
    return addresses, names


async def bookings_with_name_keys(
    connection: asyncpg.Connection, workspace_id: UUID, keys: Collection[str]
) -> list[UUID]:
    """Return the workspace's bookings that have an attendee with one of these keys, and no match by address."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT b.id FROM unnest($2::text[]) AS wanted(key)
        JOIN booking_attendees a ON a.name_keys ? wanted.key JOIN bookings b ON b.id = a.booking_id
        WHERE b.workspace_id = $1 AND NOT EXISTS (
            SELECT FROM matches m
            WHERE m.booking_id = b.id AND m.attendee = a.attendee_key AND m.state = 'matched' AND m.method <> 'name'
        )
        ORDER BY b.id
        """,
        workspace_id,
        list(keys),
    )
    return [row["id"] for row in rows]


async def _seats_of(connection: asyncpg.Connection, booking_ids: Sequence[UUID]) -> dict[UUID, list[SeatRow]]:
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (a.booking_id, a.attendee_key)
               a.booking_id, a.attendee_key AS key, a.email, a.name,
               coalesce(a.booked_at, b.booked_at) AS booked_at, a.company_answer, a.company_key,
               a.name_keys IS NOT NULL AND NOT a.dismissed AS may_match_by_name
        FROM booking_attendees a JOIN bookings b ON b.id = a.booking_id
        WHERE a.booking_id = ANY($1::uuid[]) AND a.attendee_key IS NOT NULL
        ORDER BY a.booking_id, a.attendee_key, a.position
        """,
        booking_ids,
    )
    found: dict[UUID, list[SeatRow]] = {}
    for row in rows:
        values = dict(row)
        found.setdefault(values.pop("booking_id"), []).append(SeatRow(**values))
    return found


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
