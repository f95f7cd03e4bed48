"""Claiming and settling in PostgreSQL: which deliveries of a lane are tried next, and what became of those that were.

A claim is a lease: `wake_at` says until when whoever has it counts as alive. Whoever dies lets it run out, and the next
look at the lane takes it up again.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import msgspec
from msgspec import Struct

from showup.deliveries.delivery import Lane
from showup.deliveries.settling import Settled, Tried

LEASED_FOR: Final = timedelta(seconds=30)
"""Longer than any attempt takes, with the rendering before it: an attempt that could outlast it isn't begun."""


class Claimed(Struct, frozen=True, kw_only=True):
    """A delivery that is ours to try from `began_at` until `leased_until`; `attempt_id` is this attempt's own."""

    id: UUID
    attempt_id: UUID
    began_at: datetime
    leased_until: datetime
    booking_id: UUID | None
    kind: str
    recipient: str | None
    booking_version: int
    failures: int
    details: dict[str, Any]
    # Which attempt this is, from 1.
    number: int
    # When the news of it came.
    decided_at: datetime
    question: dict[str, Any] | None = None

    @property
    def tried(self) -> Tried:
        """The same, as far as settling needs it."""
        return Tried(delivery_id=self.id, attempt_id=self.attempt_id, failures=self.failures)


async def expire(connection: asyncpg.Connection, lane: Lane, now: datetime) -> None:
    """Skips what is not worth telling any more, whoever died over it among them, and says why.

    What was to be sent again, and was not, stays delivered.
    """
    lost = await connection.fetch(
        """
        UPDATE deliveries d SET state = CASE WHEN delivered_at IS NULL THEN 'skipped' ELSE 'delivered' END,
        attempt_id = NULL, unwanted = NULL, updated_at = $3, because = CASE
            WHEN delivered_at IS NOT NULL THEN 'it was delivered before; sending it again failed'
            WHEN kind <> 'remind' THEN 'too late: by then the meeting had begun, or the news was old'
            WHEN expires_at < due_at + make_interval(secs => (details->>'before_seconds')::int)
            THEN 'too late: the next reminder was due by then'
            ELSE 'too late: the meeting had begun by then' END || coalesce(' (' || because || ')', '')
        FROM (
            SELECT id, attempt_id FROM deliveries
            WHERE workspace_id = $1 AND destination = $2 AND expires_at <= $3
            AND (state = 'scheduled' OR state = 'sending' AND wake_at <= $3)
            FOR UPDATE SKIP LOCKED
        ) late
        WHERE d.id = late.id
        RETURNING late.attempt_id
        """,
        lane.workspace_id,
        lane.destination,
        now,
    )
    if attempt_ids := [row["attempt_id"] for row in lost if row["attempt_id"] is not None]:
        await _give_up_for_lost(connection, attempt_ids, now)


# Of one booking, one at a time and in order of due time: neither beside one that is under way nor before an older one.
# OFFSET 0 keeps PostgreSQL from laying all that is open beside itself: it looks at one booking after the other.
_NEXT_OF_ITS_BOOKING: Final = """
    NOT EXISTS (
        SELECT FROM deliveries o
        WHERE o.booking_id = d.booking_id AND o.destination = d.destination AND o.workspace_id = d.workspace_id
        AND o.id <> d.id AND o.state IN ('scheduled', 'sending')
        AND (o.state = 'sending' AND o.wake_at > $3 OR (o.due_at, o.id) < (d.due_at, d.id))
        OFFSET 0
    )
"""
_CLAIMED: Final = """
    d.id, d.attempt_id, d.booking_id, d.kind, d.recipient, d.booking_version, d.failures, d.details,
    d.attempts + 1 AS number, d.created_at AS decided_at, d.question
"""

# Priority by priority, so that an index has them in their order and what waits behind them is never looked at.
_CANDIDATES: Final = f"""
    WITH RECURSIVE priorities AS (
        SELECT max(priority) AS priority FROM deliveries
        WHERE workspace_id = $1 AND destination = $2 AND state IN ('scheduled', 'sending')
        UNION ALL
        SELECT (SELECT max(d.priority) FROM deliveries d
                WHERE d.workspace_id = $1 AND d.destination = $2 AND d.state IN ('scheduled', 'sending')
                AND d.priority < p.priority)
        FROM priorities p WHERE p.priority IS NOT NULL
    )
    SELECT found.* FROM priorities p CROSS JOIN LATERAL (
        SELECT {_CLAIMED} FROM deliveries d
        WHERE d.workspace_id = $1 AND d.destination = $2 AND d.state IN ('scheduled', 'sending')
        AND d.priority = p.priority AND d.due_at <= $3 AND d.wake_at <= $3 AND {_NEXT_OF_ITS_BOOKING}
        ORDER BY d.due_at, d.id LIMIT $4
        FOR UPDATE OF d SKIP LOCKED
    ) found
    LIMIT $4
"""  # noqa: S608  # constants

# Whether a destination is back, whoever was tried least finds out: were it always the oldest, one that nobody would
# take would make its lane look dead.
_PROBES: Final = f"""
    SELECT {_CLAIMED} FROM deliveries d
    WHERE d.workspace_id = $1 AND d.destination = $2 AND d.state IN ('scheduled', 'sending') AND d.wake_at <= $3
    AND {_NEXT_OF_ITS_BOOKING}
    ORDER BY d.attempts, d.priority DESC, d.due_at, d.id LIMIT $4
    FOR UPDATE OF d SKIP LOCKED
"""  # noqa: S608  # constants


async def claim(
    connection: asyncpg.Connection, lane: Lane, now: datetime, limit: int, *, probing: bool = False
) -> list[Claimed]:
    """The next of the lane, marked as under way; the lane must be held, so that its limits hold for all processes.

    `probing`: what is claimed is to find out whether the destination is back.
    """
    if limit <= 0:
        return []
    rows = await connection.fetch(_PROBES if probing else _CANDIDATES, lane.workspace_id, lane.destination, now, limit)
    if not rows:
        return []
    if lost := [row["attempt_id"] for row in rows if row["attempt_id"] is not None]:
        await _give_up_for_lost(connection, lost, now)
    attempts = [uuid4() for _ in rows]
    await connection.execute(
        """
        WITH given AS (SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS t(id, attempt_id)),
        begun AS (
            UPDATE deliveries d SET state = 'sending', attempt_id = given.attempt_id, wake_at = $3,
                                    attempts = d.attempts + 1, because = NULL, updated_at = $4
            FROM given WHERE d.id = given.id
            RETURNING d.id, d.attempt_id, d.attempts
        )
        INSERT INTO delivery_attempts (id, delivery_id, number, started_at)
        SELECT attempt_id, id, attempts, $4 FROM begun
        """,
        [row["id"] for row in rows],
        attempts,
        now + LEASED_FOR,
        now,
    )
    return [
        Claimed(**{**row, "attempt_id": attempt_id}, began_at=now, leased_until=now + LEASED_FOR)
        for row, attempt_id in zip(rows, attempts, strict=True)
    ]


async def _give_up_for_lost(connection: asyncpg.Connection, attempt_ids: Sequence[UUID], now: datetime) -> None:
    await connection.execute(
        """
        UPDATE delivery_attempts
        SET outcome = 'lost', ended_at = $2, because = 'the process that made it ended, or hung'
        WHERE id = ANY($1::uuid[]) AND outcome IS NULL
        """,
        attempt_ids,
        now,
    )


async def settle(connection: asyncpg.Connection, settled: Collection[Settled], now: datetime) -> None:
    """Writes what came of attempts.

    One whose lease has run out is settled all the same if it was delivered and nobody has begun it anew.
    """
    if not settled:
        return
    # In the order in which stories that are told anew hold theirs, so that nobody waits in a ring.
    ids = [one.delivery_id for one in settled]
    await connection.execute("SELECT FROM deliveries WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE", ids)
    columns = [[_column(getattr(one, name)) for one in settled] for name in Settled.__struct_fields__]
    await connection.execute(
        """
        WITH given AS (
            SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::int[],
                                 $7::timestamptz[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[])
            AS t(id, attempt_id, state, attempt, because, failures, wake_at, provider, provider_id, record, found,
                 question)
        ),
        ended AS (
            UPDATE delivery_attempts a SET outcome = given.attempt, because = given.because, ended_at = $13
            FROM given WHERE a.id = given.attempt_id
        )
        UPDATE deliveries d
        SET state = CASE WHEN given.state = 'scheduled' AND d.unwanted IS NOT NULL THEN 'withdrawn'
                         ELSE given.state END,
            because = CASE WHEN given.state = 'scheduled' THEN coalesce(d.unwanted, given.because)
                           ELSE given.because END,
            failures = given.failures, wake_at = given.wake_at, attempt_id = NULL, updated_at = $13,
            unwanted = CASE WHEN given.state = 'failed' THEN d.unwanted END,
            provider = coalesce(given.provider, d.provider), provider_id = coalesce(given.provider_id, d.provider_id),
            record = coalesce(given.record, d.record), found = coalesce(given.found::jsonb, d.found),
            question = coalesce(given.question::jsonb, d.question),
            delivered_at = CASE WHEN given.state = 'delivered' THEN $13 ELSE d.delivered_at END
        FROM given WHERE d.id = given.id
        AND (d.attempt_id = given.attempt_id OR given.state = 'delivered' AND d.state = 'scheduled')
        """,
        *columns,
        now,
    )


def _column(value: Any) -> Any:
    return msgspec.json.encode(value).decode() if isinstance(value, dict) else value


async def next_at(connection: asyncpg.Connection, lane: Lane, now: datetime) -> datetime | None:
    """When the lane must be looked at next, of what is not due yet or under way."""
    found: datetime | None = await connection.fetchval(
        """
        SELECT min(wake_at) FROM deliveries
        WHERE workspace_id = $1 AND destination = $2 AND state IN ('scheduled', 'sending') AND wake_at > $3
        """,
        lane.workspace_id,
        lane.destination,
        now,
    )
    return found


async def is_anything_due(connection: asyncpg.Connection, lane: Lane, now: datetime) -> bool:
    """Whether something of the lane could be told now, if it were let."""
    found: bool = await connection.fetchval(
        """
        SELECT EXISTS (SELECT FROM deliveries WHERE workspace_id = $1 AND destination = $2 AND state = 'scheduled'
                       AND wake_at <= $3)
        """,
        lane.workspace_id,
        lane.destination,
        now,
    )
    return found


async def under_way(connection: asyncpg.Connection, lane: Lane, now: datetime) -> int:
    """How many of the lane are being told at this moment, by whichever process."""
    found: int = await connection.fetchval(
        """
        SELECT count(*) FROM deliveries
        WHERE workspace_id = $1 AND destination = $2 AND state = 'sending' AND wake_at > $3 AND wake_at <= $4
        """,
        lane.workspace_id,
        lane.destination,
        now,
        # No lease ends later, and beyond it wait all the reminders of the future; twice, for clocks that differ.
        now + 2 * LEASED_FOR,
    )
    return found
