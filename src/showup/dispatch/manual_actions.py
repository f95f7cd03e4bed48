"""Retries, resends or withdraws deliveries on a person's request, or tries at once what waits for its next attempt.

A refusal is returned as its reason, and then nothing was changed. A delivery keeps its rendered content, so a retry
sends the same content under the same id. Content that nobody received is rendered again: someone
may have fixed why it was rejected, and a previewed mail was not written for the mail account of today.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.connections import endpoints_store
from showup.connections.endpoint import endpoint_id_of, is_endpoint
from showup.outbox.delivery import DestinationQueue
from showup.outbox.wakeups import wake_queues

_READ: Final = """
    SELECT id, workspace_id, destination, state, because, attempts, due_at, wake_at, expires_at, withdrawn_by,
           unwanted, question
    FROM deliveries
"""
# A delivery that waits, with what else it may wait for: its destination, or an earlier one about the same booking.
_WAITS: Final = """
    SELECT q.paused_until, q.because, q.failing_since, EXISTS (
        SELECT FROM deliveries o WHERE o.workspace_id = d.workspace_id AND o.destination = d.destination
        AND o.booking_id = d.booking_id AND o.id <> d.id AND o.state IN ('scheduled', 'sending')
        AND (o.due_at, o.id) < (d.due_at, d.id)
    ) AS has_earlier
    FROM deliveries d
    LEFT JOIN destination_queues q ON q.workspace_id = d.workspace_id AND q.destination = d.destination
    WHERE d.id = $1
"""
_NOT_FOUND: Final = "the delivery does not exist"
_RESEND_WINDOW: Final = timedelta(days=1)
_SENDING: Final = "it is being sent now"


class FailedFilter(Struct, frozen=True, kw_only=True):
    """Selects failed deliveries; None does not filter. `since` is the time of the failure, inclusive."""

    workspace_id: UUID | None = None
    destination: str | None = None
    kind: str | None = None
    since: datetime | None = None


class RetryCount(Struct, frozen=True, kw_only=True):
    """How many deliveries are retried, and how many are left unchanged because they have expired."""

    retried: int
    expired: int


async def retry(connection: asyncpg.Connection, delivery_id: UUID, now: datetime) -> str | None:
    """Retries what failed, was previewed, skipped in the final check or withdrawn manually; else returns why not.

    A delivery that waits for its next attempt is tried now, which counts as its next attempt.
    """
    row = await _lock(connection, delivery_id)
    if row is not None and row["state"] == "scheduled":
        because = await _try_refusal(connection, row, now)
        if because is None:
            await _try_now(connection, row, now)
        return because
    because = _retry_refusal(row, now)
    if because is None and row is not None:
        await _schedule(connection, [row], now)
    return because


async def refusal_of(connection: asyncpg.Connection, delivery_id: UUID, now: datetime) -> str | None:
    """Returns why a retry would be refused; None if it would be done."""
    row = await connection.fetchrow(f"{_READ} WHERE id = $1", delivery_id)
    if row is not None and row["state"] == "scheduled":
        return await _try_refusal(connection, row, now)
    return _retry_refusal(row, now)


async def send_again(connection: asyncpg.Connection, delivery_id: UUID, now: datetime) -> str | None:
    """Sends again what an endpoint already accepted, under the same id and byte for byte; else returns why not."""
    row = await _lock(connection, delivery_id)
    if row is None:
        return _NOT_FOUND
    if not is_endpoint(row["destination"]):
        return "only outgoing webhooks can be sent again: other destinations receive each delivery once"
    if row["state"] != "delivered":
        return f"it is {row['state']}: only a delivered webhook can be sent again; retry a failed one"
    if await endpoints_store.find(connection, row["workspace_id"], endpoint_id_of(row["destination"])) is None:
        return "the endpoint no longer exists"
    await connection.execute(
        "UPDATE deliveries SET expires_at = greatest(expires_at, $2) WHERE id = $1", delivery_id, now + _RESEND_WINDOW
    )
    await _schedule(connection, [row], now)
    return None


async def retry_failed(connection: asyncpg.Connection, failed_filter: FailedFilter, now: datetime) -> RetryCount:
    """Retries all failed deliveries that have not expired."""
    rows = await connection.fetch(
        f"""
        {_READ} WHERE state = 'failed' AND ($1::uuid IS NULL OR workspace_id = $1)
        AND ($2::text IS NULL OR destination = $2) AND ($3::text IS NULL OR kind = $3)
        AND ($4::timestamptz IS NULL OR updated_at >= $4)
        ORDER BY id FOR UPDATE
        """,
        failed_filter.workspace_id,
        failed_filter.destination,
        failed_filter.kind,
        failed_filter.since,
    )
    retryable = [row for row in rows if _retry_refusal(row, now) is None]
    await _schedule(connection, retryable, now)
    return RetryCount(retried=len(retryable), expired=len(rows) - len(retryable))


async def withdraw(connection: asyncpg.Connection, delivery_id: UUID, actor: str, now: datetime) -> str | None:
    """Withdraws a scheduled delivery until someone retries it; else returns why not."""
    row = await _lock(connection, delivery_id)
    if row is None:
        return _NOT_FOUND
    if row["state"] != "scheduled":
        return (
            _SENDING
            if row["state"] == "sending"
            else f"it is {row['state']}: only a scheduled delivery can be withdrawn"
        )
    await connection.execute(
        """
        UPDATE deliveries SET state = 'withdrawn', withdrawn_by = $2, because = 'withdrawn by ' || $2, updated_at = $3
        WHERE id = $1
        """,
        delivery_id,
        actor,
        now,
    )
    return None


async def _lock(connection: asyncpg.Connection, delivery_id: UUID) -> asyncpg.Record | None:
    return await connection.fetchrow(f"{_READ} WHERE id = $1 FOR UPDATE", delivery_id)


def _retry_refusal(row: Mapping[str, Any] | None, now: datetime) -> str | None:
    if row is None:
        return _NOT_FOUND
    if (because := _state_refusal(row)) is not None:
        return because
    if row["unwanted"] is not None:
        return f"it is no longer needed: {row['unwanted']}"
    if row["expires_at"] is not None and row["expires_at"] <= now:
        return f"it expired at {row['expires_at']:%Y-%m-%d %H:%M:%S} UTC"
    return None


def _state_refusal(row: Mapping[str, Any]) -> str | None:
    match row["state"]:
        case "sending":
            return _SENDING
        case "delivered":
            return "it was delivered, and Showup sends each delivery once"
        case "withdrawn" if row["withdrawn_by"] is None:
            return f"it is no longer needed: {row['because']}"
        # Skipped before any attempt: the booking's history says so, and would say so again with the next event (PI13).
        case "skipped" if not row["attempts"]:
            return f"it was skipped before any attempt: {row['because']}"
        case _:
            return None


async def _try_refusal(connection: asyncpg.Connection, row: Mapping[str, Any], now: datetime) -> str | None:
    """Returns why a scheduled delivery is not tried now; None if it only waits for its next attempt."""
    if row["due_at"] > now:
        return f"it is due at {row['due_at']:%Y-%m-%d %H:%M:%S} UTC, and is sent then"
    if row["expires_at"] is not None and row["expires_at"] <= now:
        return f"it expired at {row['expires_at']:%Y-%m-%d %H:%M:%S} UTC"
    question = row["question"]
    if question is not None and question.get("answered_by") is None and row["wake_at"] > now:
        return "it waits for a person to choose the record: answer that"
    waits = await connection.fetchrow(_WAITS, row["id"])
    if waits["has_earlier"]:
        return "an earlier delivery about this booking goes first: try that one"
    is_paused = waits["paused_until"] is not None and waits["paused_until"] > now
    if is_paused and waits["failing_since"] is None:
        because = f": {waits['because']}" if waits["because"] else ""
        return f"{row['destination']} is paused until {waits['paused_until']:%Y-%m-%d %H:%M:%S} UTC{because}"
    return None if is_paused or row["wake_at"] > now else "it is already being tried"


async def _try_now(connection: asyncpg.Connection, row: Mapping[str, Any], now: datetime) -> None:
    """Makes the next attempt of a locked delivery due, also if its destination is paused after failures."""
    await connection.execute("UPDATE deliveries SET wake_at = $2, updated_at = $2 WHERE id = $1", row["id"], now)
    # Its failures still count, so one call at a time finds out whether it works again.
    await connection.execute(
        """
        UPDATE destination_queues SET paused_until = NULL
        WHERE workspace_id = $1 AND destination = $2 AND paused_until > $3 AND failing_since IS NOT NULL
        """,
        row["workspace_id"],
        row["destination"],
        now,
    )
    queue = DestinationQueue(workspace_id=row["workspace_id"], destination=row["destination"])
    await wake_queues(connection, [(queue, now)], now)


async def _schedule(connection: asyncpg.Connection, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    await _delete_refused_contents(connection, [row["id"] for row in rows])
    # A delivery that was withdrawn before its due time is still sent at its due time.
    wake_times = {row["id"]: max(now, row["due_at"]) for row in rows}
    await connection.execute(
        """
        UPDATE deliveries d SET state = 'scheduled', failures = 0, wake_at = given.wake_at, because = NULL,
                                withdrawn_by = NULL, updated_at = $3
        FROM unnest($1::uuid[], $2::timestamptz[]) AS given(id, wake_at) WHERE d.id = given.id
        """,
        list(wake_times),
        list(wake_times.values()),
        now,
    )
    queues = {
        (DestinationQueue(workspace_id=row["workspace_id"], destination=row["destination"]), wake_times[row["id"]])
        for row in rows
    }
    await wake_queues(connection, queues, now)


async def _delete_refused_contents(connection: asyncpg.Connection, delivery_ids: Sequence[UUID]) -> None:
    """Deletes the content of deliveries that nobody can have received, so that it is rendered again."""
    await connection.execute(
        """
        DELETE FROM delivery_contents c WHERE c.delivery_id = ANY($1::uuid[]) AND NOT EXISTS (
            SELECT FROM delivery_attempts a
            WHERE a.delivery_id = c.delivery_id
            AND coalesce(a.outcome, 'lost') NOT IN ('previewed', 'gave_up', 'stopped')
        )
        """,
        delivery_ids,
    )
