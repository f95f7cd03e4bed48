"""Loads what decides about a record's status: the person's other meetings, and what earlier deliveries set there."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.destinations.contract import Meeting
from showup.dispatch.claims import Claimed
from showup.outbox.delivery import DestinationQueue

BookingRecipients: TypeAlias = Collection[tuple[UUID, str]]
MeetingLookup: TypeAlias = Callable[
    [asyncpg.Connection, BookingRecipients], Awaitable[Mapping[tuple[UUID, str], Meeting]]
]
"""The current meetings of (booking, recipient); those that no longer exist are left out."""


class RecordFacts(Struct, frozen=True, kw_only=True):
    """`meetings_ahead`: by delivery, another accepted meeting of its record. `last_set`: values by record and name."""

    meetings_ahead: Mapping[UUID, Meeting] = {}
    last_set: Mapping[str, Mapping[str, str]] = {}


# A record follows the bookings of one person (as booker, or with a seat), and those whose deliveries updated it: people
# may choose one record for two addresses.
_REACHED: Final = """
    targets AS (
        SELECT g.id, g.booking_id, g.recipient, g.chosen, b.start_time, (
            SELECT a.person_id FROM booking_attendees a
            WHERE a.booking_id = g.booking_id AND coalesce(a.email, '') = g.recipient AND a.person_id IS NOT NULL
            LIMIT 1
        ) AS person_id
        FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) AS g(id, booking_id, recipient, chosen)
        JOIN bookings b ON b.id = g.booking_id
    ),
    of_person AS (
        SELECT id, booking_id, recipient FROM targets
        UNION
        SELECT g.id, a.booking_id, coalesce(a.email, '')
        FROM targets g JOIN booking_attendees a ON a.person_id = g.person_id JOIN bookings b ON b.id = a.booking_id
        WHERE b.person_id = g.person_id OR a.calcom_seat_uid IS NOT NULL
    ),
    reached AS (
        SELECT id, chosen AS record FROM targets WHERE chosen IS NOT NULL
        UNION
        SELECT p.id, d.record FROM of_person p
        JOIN deliveries d ON d.booking_id = p.booking_id AND coalesce(d.recipient, '') = p.recipient
        WHERE d.workspace_id = $5 AND d.destination = $6 AND d.record IS NOT NULL
    )
"""
_MEETINGS_AHEAD: Final = f"""
    WITH {_REACHED},
    others AS (
        SELECT id, booking_id, recipient FROM of_person
        UNION
        SELECT r.id, d.booking_id, coalesce(d.recipient, '') FROM reached r
        JOIN deliveries d ON d.record = r.record AND d.workspace_id = $5 AND d.destination = $6
        WHERE d.booking_id IS NOT NULL
    )
    SELECT DISTINCT ON (g.id) g.id, o.booking_id, o.recipient
    FROM targets g JOIN others o ON o.id = g.id AND o.booking_id <> g.booking_id
    JOIN bookings b ON b.id = o.booking_id
    WHERE b.status = 'ACCEPTED' AND (coalesce(b.end_time, b.start_time) > $7 OR b.start_time > g.start_time)
    AND EXISTS (SELECT FROM booking_attendees a WHERE a.booking_id = b.id AND coalesce(a.email, '') = o.recipient
                AND a.cancelled_at IS NULL)
    ORDER BY g.id, coalesce(b.end_time, b.start_time) > $7 DESC, b.start_time, b.id
"""  # noqa: S608  # constants
_LAST_SET: Final = f"""
    WITH {_REACHED}
    SELECT DISTINCT ON (d.record, v.name) d.record, v.name, v.value
    FROM deliveries d CROSS JOIN LATERAL jsonb_each_text(d.found->'set') AS v(name, value)
    WHERE d.workspace_id = $5 AND d.destination = $6 AND d.record IN (SELECT record FROM reached) AND d.found ? 'set'
    ORDER BY d.record, v.name, coalesce(d.delivered_at, d.updated_at) DESC, d.due_at DESC, d.id DESC
"""  # noqa: S608  # constants


async def load_record_facts(
    connection: asyncpg.Connection,
    queue: DestinationQueue,
    claimed: Sequence[Claimed],
    load_meetings: MeetingLookup,
    now: datetime,
) -> RecordFacts:
    """Loads the facts for those deliveries that are about a booking."""
    of_bookings = [one for one in claimed if one.booking_id is not None and one.kind.startswith("booking.")]
    if not of_bookings:
        return RecordFacts()
    targets = (
        [one.id for one in of_bookings],
        [one.booking_id for one in of_bookings],
        [one.recipient or "" for one in of_bookings],
        [(one.question or {}).get("chosen") for one in of_bookings],
        queue.workspace_id,
        queue.destination,
    )
    rows = await connection.fetch(_MEETINGS_AHEAD, *targets, now)
    ahead = {row["id"]: (row["booking_id"], row["recipient"]) for row in rows}
    meetings = await load_meetings(connection, set(ahead.values())) if ahead else {}
    last_set: dict[str, dict[str, str]] = {}
    for row in await connection.fetch(_LAST_SET, *targets):
        last_set.setdefault(row["record"], {})[row["name"]] = row["value"]
    return RecordFacts(
        meetings_ahead={one: meetings[key] for one, key in ahead.items() if key in meetings}, last_set=last_set
    )
