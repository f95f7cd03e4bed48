"""Stores which workspace of EmailBison each connection reads, and when its statistics were last complete."""

from datetime import datetime
from uuid import UUID

import asyncpg

from showup.destinations.emailbison.objects import Team


async def save_source(
    connection: asyncpg.Connection, workspace_id: UUID, connection_id: UUID, url: str, team: Team, now: datetime
) -> None:
    """Stores the workspace that the connection's token opens now."""
    await connection.execute(
        """
        INSERT INTO lead_sources AS s (connection_id, workspace_id, url, number, name, read_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (connection_id) DO UPDATE
        SET url = excluded.url, number = excluded.number, name = excluded.name, read_at = excluded.read_at,
            statistics_read_at = CASE WHEN (s.url, s.number) = (excluded.url, excluded.number)
                                      THEN s.statistics_read_at END
        """,
        connection_id,
        workspace_id,
        url,
        team.id,
        team.name,
        now,
    )


async def statistics_read_at(connection: asyncpg.Connection, connection_id: UUID) -> datetime | None:
    """Returns when the statistics were last complete."""
    at: datetime | None = await connection.fetchval(
        "SELECT statistics_read_at FROM lead_sources WHERE connection_id = $1", connection_id
    )
    return at


async def mark_statistics_read(connection: asyncpg.Connection, connection_id: UUID, now: datetime) -> None:
    """Stores that the statistics of all campaigns are complete."""
    await connection.execute(
        "UPDATE lead_sources SET statistics_read_at = $2 WHERE connection_id = $1", connection_id, now
    )


async def forget_others(connection: asyncpg.Connection, connection_ids: list[UUID]) -> None:
    """Takes connections to EmailBison that are not read any more off the schedule."""
    await connection.execute(
        """
        DELETE FROM syncs USING connections c
        WHERE c.id = syncs.account_id AND c.kind = 'emailbison' AND c.id <> ALL($1::uuid[])
        """,
        connection_ids,
    )
