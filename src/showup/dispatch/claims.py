"""Claims due deliveries of a queue in PostgreSQL and records the outcomes of attempts.

A claim is a lease: the process that holds it counts as alive until `wake_at`. If the process dies, the lease runs out
and the next dispatch cycle claims the delivery again.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import msgspec
from msgspec import Struct

from showup.dispatch.attempt_results import AttemptRef, FinishedAttempt
from showup.outbox.delivery import DestinationQueue

LEASE: Final = timedelta(seconds=30)
"""Longer than any attempt takes, rendering included. An attempt that could outlast the lease is not started."""


class Claimed(Struct, frozen=True, kw_only=True):
    """A delivery that this process may attempt from `began_at` to `leased_until`; `attempt_id` is the attempt's id."""

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
    # The attempt number, from 1.
    number: int
    # When Showup received the event behind it.
    decided_at: datetime
    question: dict[str, Any] | None = None
    # The inbox event that planned it; None if it is about no booking event.
    event_id: UUID | None = None

    @property
    def log_values(self) -> dict[str, str]:
        """Returns what each log line about this delivery has: the ids of the delivery and of its event."""
        event = {} if self.event_id is None else {"event_id": str(self.event_id)}
        return {**event, "delivery": str(self.id)}

    @property
    def attempt_ref(self) -> AttemptRef:
        """Returns the fields that recording the outcome needs."""
        return AttemptRef(delivery_id=self.id, attempt_id=self.attempt_id, failures=self.failures)


async def expire(connection: asyncpg.Connection, queue: DestinationQueue, now: datetime) -> None:
    """Skips expired deliveries, including those whose process died, and records the reason.

    A delivery that was to be sent again and was not stays delivered.
    """
    expired = await connection.fetch(
        """
        UPDATE deliveries d SET state = CASE WHEN delivered_at IS NULL THEN 'skipped' ELSE 'delivered' END,
        attempt_id = NULL, unwanted = NULL, updated_at = $3, because = CASE
            WHEN delivered_at IS NOT NULL THEN 'it was delivered before; sending it again failed'
            WHEN kind = 'outcome' THEN 'too late: the meeting ended more than a day ago'
            WHEN kind <> 'reminder' THEN 'too late: the meeting had begun, or the event was too old'
            WHEN expires_at < due_at + make_interval(secs => (details->>'before_seconds')::int)
            THEN 'too late: the next reminder was due'
            ELSE 'too late: the meeting had begun' END || coalesce(' (' || because || ')', '')
        FROM (
            SELECT id, attempt_id FROM deliveries
            WHERE workspace_id = $1 AND destination = $2 AND expires_at <= $3
            AND (state = 'scheduled' OR state = 'sending' AND wake_at <= $3)
            FOR UPDATE SKIP LOCKED
        ) late
        WHERE d.id = late.id
        RETURNING late.attempt_id
        """,
        queue.workspace_id,
        queue.destination,
        now,
    )
    if attempt_ids := [row["attempt_id"] for row in expired if row["attempt_id"] is not None]:
        await _mark_lost(connection, attempt_ids, now)


# Deliveries of one booking go out one at a time, in order of due time: never beside one in flight, never before an
# older one. OFFSET 0 keeps PostgreSQL from joining all open deliveries: it looks at one booking after another. A
# booking has one workspace; to name it here would offer the index of the whole queue, which PostgreSQL takes while a
# new table has no statistics.
_NEXT_OF_ITS_BOOKING: Final = """
    NOT EXISTS (
        SELECT FROM deliveries o
        WHERE o.booking_id = d.booking_id AND o.destination = d.destination AND o.id <> d.id
        AND o.state IN ('scheduled', 'sending')
        AND (o.state = 'sending' AND o.wake_at > $3 OR (o.due_at, o.id) < (d.due_at, d.id))
        OFFSET 0
    )
"""
_CLAIM_COLUMNS: Final = """
    d.id, d.attempt_id, d.booking_id, d.kind, d.recipient, d.booking_version, d.failures, d.details,
    d.attempts + 1 AS number, d.created_at AS decided_at, d.question, d.event_id
"""

# Priority by priority, so that an index returns them in order and the rest of the backlog is never read.
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
        SELECT {_CLAIM_COLUMNS} FROM deliveries d
        WHERE d.workspace_id = $1 AND d.destination = $2 AND d.state IN ('scheduled', 'sending')
        AND d.priority = p.priority AND d.due_at <= $3 AND d.wake_at <= $3 AND {_NEXT_OF_ITS_BOOKING}
        ORDER BY d.due_at, d.id LIMIT $4
        FOR UPDATE OF d SKIP LOCKED
    ) found
    LIMIT $4
"""  # noqa: S608  # constants

# While probing, the delivery with the fewest attempts goes first. If it were always the oldest, one delivery that the
# destination rejects would make the whole queue look down.
_PROBE_CANDIDATES: Final = f"""
    SELECT {_CLAIM_COLUMNS} FROM deliveries d
    WHERE d.workspace_id = $1 AND d.destination = $2 AND d.state IN ('scheduled', 'sending') AND d.wake_at <= $3
    AND {_NEXT_OF_ITS_BOOKING}
    ORDER BY d.attempts, d.priority DESC, d.due_at, d.id LIMIT $4
    FOR UPDATE OF d SKIP LOCKED
"""  # noqa: S608  # constants


async def claim(
    connection: asyncpg.Connection, queue: DestinationQueue, now: datetime, limit: int, *, is_probe: bool = False
) -> list[Claimed]:
    """Claims the next deliveries of the queue, which the caller must have locked: its limits hold for all processes.

    `is_probe`: the claimed delivery finds out whether the destination is available again.
    """
    if limit <= 0:
        return []
    rows = await connection.fetch(
        _PROBE_CANDIDATES if is_probe else _CANDIDATES, queue.workspace_id, queue.destination, now, limit
    )
    if not rows:
        return []
    if lost := [row["attempt_id"] for row in rows if row["attempt_id"] is not None]:
        await _mark_lost(connection, lost, now)
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
        now + LEASE,
        now,
    )
    return [
        Claimed(**{**row, "attempt_id": attempt_id}, began_at=now, leased_until=now + LEASE)
        for row, attempt_id in zip(rows, attempts, strict=True)
    ]


async def _mark_lost(connection: asyncpg.Connection, attempt_ids: Sequence[UUID], now: datetime) -> None:
    await connection.execute(
        """
        UPDATE delivery_attempts
        SET outcome = 'lost', ended_at = $2, because = 'the process that made it ended, or hung'
        WHERE id = ANY($1::uuid[]) AND outcome IS NULL
        """,
        attempt_ids,
        now,
    )


async def record_outcomes(connection: asyncpg.Connection, finished: Collection[FinishedAttempt], now: datetime) -> None:
    """Records the outcomes of attempts.

    An attempt whose lease has run out is still recorded if it was delivered and no other process has claimed it since.
    The booking's history alone decides whether an unsent delivery is withdrawn, and why, as a rebuild finds too. It may
    have changed since the final check: a delivery that it calls for again is still sent.
    """
    if not finished:
        return
    # In the order in which a replay locks its rows, to avoid deadlocks.
    ids = [one.delivery_id for one in finished]
    await connection.execute("SELECT FROM deliveries WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE", ids)
    columns = [[_column(getattr(one, name)) for one in finished] for name in FinishedAttempt.__struct_fields__]
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
        SET state = CASE WHEN given.state IN ('delivered', 'previewed', 'failed') THEN given.state
                         WHEN d.unwanted IS NOT NULL THEN 'withdrawn'
                         WHEN given.state = 'withdrawn' THEN 'scheduled'
                         ELSE given.state END,
            because = CASE WHEN given.state IN ('delivered', 'previewed', 'failed') THEN given.because
                           WHEN given.state = 'withdrawn' THEN d.unwanted
                           ELSE coalesce(d.unwanted, given.because) END,
            failures = given.failures, wake_at = given.wake_at, attempt_id = NULL, updated_at = $13,
            unwanted = CASE WHEN given.state IN ('failed', 'previewed') THEN d.unwanted END,
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


async def next_at(connection: asyncpg.Connection, queue: DestinationQueue, now: datetime) -> datetime | None:
    """Returns when the queue needs its next dispatch cycle: the next due time or the next lease end."""
    result: datetime | None = await connection.fetchval(
        """
        SELECT min(wake_at) FROM deliveries
        WHERE workspace_id = $1 AND destination = $2 AND state IN ('scheduled', 'sending') AND wake_at > $3
        """,
        queue.workspace_id,
        queue.destination,
        now,
    )
    return result


async def has_due(connection: asyncpg.Connection, queue: DestinationQueue, now: datetime) -> bool:
    """Returns whether the queue has a delivery that could be sent now if its limits allowed."""
    result: bool = await connection.fetchval(
        """
        SELECT EXISTS (SELECT FROM deliveries WHERE workspace_id = $1 AND destination = $2 AND state = 'scheduled'
                       AND wake_at <= $3)
        """,
        queue.workspace_id,
        queue.destination,
        now,
    )
    return result


async def count_in_flight(connection: asyncpg.Connection, queue: DestinationQueue, now: datetime) -> int:
    """Returns how many deliveries of the queue are in flight in all processes."""
    result: int = await connection.fetchval(
        """
        SELECT count(*) FROM deliveries
        WHERE workspace_id = $1 AND destination = $2 AND state = 'sending' AND wake_at > $3 AND wake_at <= $4
        """,
        queue.workspace_id,
        queue.destination,
        now,
        # No lease ends later than this; reminders for the far future come after it. Doubled, because clocks differ.
        now + 2 * LEASE,
    )
    return result
