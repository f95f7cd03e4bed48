"""Wake-ups: PgQueuer jobs that start a dispatch cycle of queues. They have no state, so a stale one finds nothing.

A queue is what one workspace sends to one destination. All queues that one workspace has to wake at the same time share
a job: its number of queues delays no other workspace. Only what is due soon has a job; the sweep finds the rest. So a
million reminders for the future cost the queue nothing, and moving one is an UPDATE of its row.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from showup.outbox.delivery import DestinationQueue, WakeUp

ENTRYPOINT: Final = "deliver"
LOOKAHEAD: Final = timedelta(minutes=2)
"""Deliveries due within this time have a job; the sweep runs more often than that."""

MAX_JOBS: Final = 5_000
"""Jobs of one call at most; the sweep finds the rest."""

# Later moments this close together share a job: ten a second for a workspace, however many deliveries are tried again.
_STEP: Final = timedelta(milliseconds=100)
_EPOCH: Final = datetime.fromtimestamp(0, UTC)


class _Job(Struct, frozen=True):
    """The content of a job."""

    workspace_id: UUID
    destinations: list[str]


async def wake(connection: asyncpg.Connection, workspace_id: UUID, wakeups: Iterable[WakeUp], now: datetime) -> None:
    """Enqueues, in the connection's transaction, a job for each moment that is near."""
    wake_times = {
        (DestinationQueue(workspace_id=workspace_id, destination=one.destination), max(one.at, now)) for one in wakeups
    }
    await wake_queues(connection, wake_times, now)


async def wake_queues(
    connection: asyncpg.Connection, wake_times: Iterable[tuple[DestinationQueue, datetime]], now: datetime
) -> None:
    """Enqueues wake-ups for several queues; a moment that already has the same job gets no second one."""
    destinations: defaultdict[tuple[datetime, UUID], set[str]] = defaultdict(set)
    for queue, at in wake_times:
        if at <= now + LOOKAHEAD:
            destinations[_rounded_up(at) if at > now else now, queue.workspace_id].add(queue.destination)
    # All processes enqueue in one order, to avoid deadlocks on job keys.
    moments = sorted(destinations)[:MAX_JOBS]
    if not moments:
        return
    # Loading takes half a second, which a process that only answers requests need not spend at its start.
    from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
    from pgqueuer.adapters.persistence.queries import Queries

    jobs = [_Job(workspace_id, sorted(destinations[at, workspace_id])) for at, workspace_id in moments]
    await Queries(AsyncpgDriver(connection)).enqueue(
        [ENTRYPOINT] * len(moments),
        [msgspec.json.encode(job) for job in jobs],
        [0] * len(moments),
        [at - now for at, _ in moments],
        # A wake-up for now could be merged with a job that is just ending and has already run its cycle.
        [_job_key(job, at) if at > now else None for job, (at, _) in zip(jobs, moments, strict=True)],
        on_conflict="skip",
    )


def _rounded_up(at: datetime) -> datetime:
    return at + (_EPOCH - at) % _STEP


def _job_key(job: _Job, at: datetime) -> str:
    names = blake2b("\n".join(job.destinations).encode(), digest_size=16).hexdigest()
    return f"{job.workspace_id}:{names}:{at.timestamp():.3f}"


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


def queues_of_job(payload: bytes | None) -> list[DestinationQueue]:
    """Returns the queues of a job."""
    job = msgspec.json.decode(payload or b"", type=_Job)
    return [DestinationQueue(workspace_id=job.workspace_id, destination=name) for name in job.destinations]
