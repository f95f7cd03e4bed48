"""Wake-ups: PgQueuer jobs that start a dispatch cycle of a queue. They have no state, so a stale one finds nothing.

A queue is what one workspace sends to one destination. Only what is due soon has a job; the sweep finds the rest. So a
million reminders for the future cost the queue nothing, and moving one is an UPDATE of its row.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from showup.outbox.delivery import DestinationQueue, WakeUp

ENTRYPOINT: Final = "deliver"
LOOKAHEAD: Final = timedelta(minutes=2)
"""Deliveries due within this time have a job; the sweep runs more often than that."""

_MAX_JOBS: Final = 5_000


async def wake(connection: asyncpg.Connection, workspace_id: UUID, wakeups: Iterable[WakeUp], now: datetime) -> None:
    """Enqueues, in the connection's transaction, a job for each moment that is near."""
    wake_times = {
        (DestinationQueue(workspace_id=workspace_id, destination=one.destination), max(one.at, now)) for one in wakeups
    }
    await wake_queues(connection, wake_times, now)


async def wake_queues(
    connection: asyncpg.Connection, wake_times: Iterable[tuple[DestinationQueue, datetime]], now: datetime
) -> None:
    """Enqueues wake-ups for several queues; a moment that already has a job gets no second one."""
    # All processes enqueue in one order, to avoid deadlocks on job keys.
    due_soon = sorted({(at, queue) for queue, at in wake_times if at <= now + LOOKAHEAD}, key=_lock_order)[:_MAX_JOBS]
    if not due_soon:
        return
    # Loading takes half a second, which a process that only answers requests need not spend at its start.
    from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
    from pgqueuer.adapters.persistence.queries import Queries

    await Queries(AsyncpgDriver(connection)).enqueue(
        [ENTRYPOINT] * len(due_soon),
        [msgspec.json.encode(queue) for _, queue in due_soon],
        [0] * len(due_soon),
        [max(at - now, timedelta(0)) for at, _ in due_soon],
        # A wake-up for now could be merged with a job that is just ending and has already run its cycle.
        [
            f"{queue.workspace_id}:{queue.destination}:{at.timestamp():.3f}" if at > now else None
            for at, queue in due_soon
        ],
        on_conflict="skip",
    )


async def reopen_queue(connection: asyncpg.Connection, queue: DestinationQueue, now: datetime) -> None:
    """Forgets the queue's failures and its pause, and wakes it."""
    await connection.execute(
        """
        UPDATE destination_queues SET paused_until = NULL, because = NULL, failures = 0, failing_since = NULL
        WHERE workspace_id = $1 AND destination = $2
        """,
        queue.workspace_id,
        queue.destination,
    )
    await wake_queues(connection, [(queue, now)], now)


def _lock_order(wake_time: tuple[datetime, DestinationQueue]) -> tuple[datetime, str, str]:
    at, queue = wake_time
    return at, str(queue.workspace_id), queue.destination


def queue_of_job(payload: bytes | None) -> DestinationQueue:
    """Returns the queue of a job."""
    return msgspec.json.decode(payload or b"", type=DestinationQueue)
