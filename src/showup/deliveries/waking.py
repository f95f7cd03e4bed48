"""Wake-ups: jobs of PgQueuer that say it is time to look at a lane. They carry no state, so a stale one finds nothing.

A lane is what one workspace tells one destination. Only what falls due soon has a job; the rest is found by the sweep,
so a million reminders far ahead cost the queue nothing, and to move one is an UPDATE of its row.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from showup.deliveries.delivery import Lane, Wake

ENTRYPOINT: Final = "deliver"
SOON: Final = timedelta(minutes=2)
"""What is due within this has a job; the sweep looks more often than that."""

_MOST: Final = 5_000


async def wake(connection: asyncpg.Connection, workspace_id: UUID, wakes: Iterable[Wake], now: datetime) -> None:
    """Enqueues, in the connection's transaction, a job for each moment that is near."""
    moments = {(Lane(workspace_id=workspace_id, destination=one.destination), max(one.at, now)) for one in wakes}
    await wake_lanes(connection, moments, now)


async def wake_lanes(connection: asyncpg.Connection, moments: Iterable[tuple[Lane, datetime]], now: datetime) -> None:
    """The same for several lanes; a moment that has its job already gets no second one."""
    # In one order for all who enqueue, so that nobody waits in a ring for the keys of jobs.
    near = sorted({(at, lane) for lane, at in moments if at <= now + SOON}, key=_place)[:_MOST]
    if not near:
        return
    # Half a second to load, which a process that only answers need not spend at its start.
    from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
    from pgqueuer.adapters.persistence.queries import Queries

    await Queries(AsyncpgDriver(connection)).enqueue(
        [ENTRYPOINT] * len(near),
        [msgspec.json.encode(lane) for _, lane in near],
        [0] * len(near),
        [max(at - now, timedelta(0)) for at, _ in near],
        # What is due now might be taken for the job that is just ending, which has looked already.
        [f"{lane.workspace_id}:{lane.destination}:{at.timestamp():.3f}" if at > now else None for at, lane in near],
        on_conflict="skip",
    )


def _place(moment: tuple[datetime, Lane]) -> tuple[datetime, str, str]:
    at, lane = moment
    return at, str(lane.workspace_id), lane.destination


def lane_of(payload: bytes | None) -> Lane:
    """Whose turn it is, out of a job."""
    return msgspec.json.decode(payload or b"", type=Lane)
