"""Store what people ask of the periodic syncs with other systems."""

from datetime import datetime
from uuid import UUID

import asyncpg


async def request_sync(connection: asyncpg.Connection, connection_id: UUID, now: datetime, *, full: bool) -> bool:
    """Make the sync of a connection due now; return False for a connection that is not synced.

    `full`: all of EmailBison's lists are read again, and all statistics. What is stored stays.
    """
    if full:
        # A run that is in progress locks these rows in the same order, and that of `syncs` last.
        await connection.execute(
            "UPDATE lead_sources SET statistics_read_at = NULL WHERE connection_id = $1", connection_id
        )
        source = "SELECT workspace_id FROM lead_sources WHERE connection_id = $1"
        await connection.execute(f"DELETE FROM lead_walks WHERE workspace_id IN ({source})", connection_id)  # noqa: S608  # a constant
        await connection.execute(f"DELETE FROM campaign_totals WHERE workspace_id IN ({source})", connection_id)  # noqa: S608  # a constant
    return bool(
        await connection.fetchval(
            "UPDATE syncs SET next_at = least(next_at, $2) WHERE account_id = $1 RETURNING true", connection_id, now
        )
    )
