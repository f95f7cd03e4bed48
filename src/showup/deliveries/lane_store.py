"""Lanes in PostgreSQL: what all processes know together of how fast, and whether, a destination may be told."""

from datetime import datetime

import asyncpg
import msgspec

from showup.deliveries.delivery import Lane
from showup.deliveries.pausing import LaneState
from showup.destinations.contract import Pace

_FIELDS = ", ".join(LaneState.__struct_fields__)


async def hold(connection: asyncpg.Connection, lane: Lane, pace: Pace, now: datetime) -> LaneState:
    """The state of the lane, which nobody else changes until the transaction ends; a new lane has all its tokens."""
    row = await connection.fetchrow(
        f"SELECT {_FIELDS} FROM lanes WHERE workspace_id = $1 AND destination = $2 FOR UPDATE",  # noqa: S608  # our names
        lane.workspace_id,
        lane.destination,
    )
    if row is not None:
        return msgspec.convert(dict(row), LaneState)
    await connection.execute(
        """
        INSERT INTO lanes (workspace_id, destination, tokens, tokens_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT DO NOTHING
        """,
        lane.workspace_id,
        lane.destination,
        max(1.0, pace.rate_per_second),
        now,
    )
    return await hold(connection, lane, pace, now)


async def save(connection: asyncpg.Connection, lane: Lane, state: LaneState) -> None:
    """Writes the state of a lane that is held."""
    await connection.execute(
        """
        UPDATE lanes
        SET tokens = $3, tokens_at = $4, paused_until = $5, because = $6, failures = $7, failing_since = $8,
            passed_at = $9
        WHERE workspace_id = $1 AND destination = $2
        """,
        lane.workspace_id,
        lane.destination,
        *(getattr(state, name) for name in LaneState.__struct_fields__),
    )


async def forgive(connection: asyncpg.Connection, lane: Lane) -> None:
    """Forgets what failed: the lane is open again."""
    await connection.execute(
        """
        UPDATE lanes SET paused_until = NULL, because = NULL, failures = 0, failing_since = NULL
        WHERE workspace_id = $1 AND destination = $2
        """,
        lane.workspace_id,
        lane.destination,
    )


async def pause(connection: asyncpg.Connection, lane: Lane, until: datetime, because: str) -> bool:
    """Leaves a lane in peace until then, whatever its destination would say; whether that is news."""
    known = await connection.fetchval(
        "SELECT because FROM lanes WHERE workspace_id = $1 AND destination = $2", lane.workspace_id, lane.destination
    )
    await connection.execute(
        """
        INSERT INTO lanes (workspace_id, destination, tokens, tokens_at, paused_until, because)
        VALUES ($1, $2, 1, $3, $3, $4)
        ON CONFLICT (workspace_id, destination) DO UPDATE SET paused_until = $3, because = $4
        """,
        lane.workspace_id,
        lane.destination,
        until,
        because,
    )
    return bool(known != because)
