"""Reads what the frame of each page shows: what needs a person, and whether anything of Cal.com's is missing."""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.engine import driver_connection
from showup.reads.sync_state import CALCOM_SYNC, SourceHealth, source_health

MAX_COUNT: Final = 99
"""Counts stop here: more is shown as `99+`."""
MAX_RECEIVED: Final = 9_999
_FAILURES_FOR: Final = timedelta(days=7)
OUTCOMES_FOR: Final = timedelta(days=14)


class Shell(Struct, frozen=True, kw_only=True):
    """Counts for the navigation, up to MAX_COUNT + 1, and the pulse: webhooks `received` today, bookings `missing`.

    `missing`: differences from Cal.com that the last comparison could not repair. `last_received_at` is that of today.
    """

    unreported: int
    failed: int
    received: int
    last_received_at: datetime | None
    missing: int
    calcom: SourceHealth
    feed_number: int


async def load_shell(tx: AsyncConnection, permission: Permission, email: str, now: datetime, zone: ZoneInfo) -> Shell:
    """Returns the state of the permission's workspace; `email` is the reader's, whose own meetings count."""
    connection = await driver_connection(tx)
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    row = await connection.fetchrow(
        _COUNTS,
        permission.workspace_id,
        now,
        now - OUTCOMES_FOR,
        email,
        now - _FAILURES_FOR,
        midnight,
        MAX_COUNT + 1,
        MAX_RECEIVED + 1,
    )
    calcom = await source_health(tx, CALCOM_SYNC, permission.workspace_id, now)
    return Shell(calcom=calcom, **dict(row))


# Each count reads a bounded number of rows by an index.
_COUNTS: Final = """
    SELECT
        (SELECT count(*) FROM (
            SELECT 1 FROM bookings b
            WHERE b.workspace_id = $1 AND b.start_time BETWEEN $3 AND $2 AND coalesce(b.end_time, b.start_time) <= $2
              AND b.status = 'ACCEPTED' AND b.attendance_evidence IS DISTINCT FROM 'reported' AND NOT b.host_absent
              AND b.outcome IS NULL AND NOT b.simulated AND b.organizer_email = $4
            LIMIT $7) found) AS unreported,
        (SELECT count(*) FROM (
            SELECT 1 FROM deliveries d
            WHERE d.workspace_id = $1 AND d.state = 'failed' AND d.updated_at > $5 AND NOT d.simulated
            LIMIT $7) found) AS failed,
        (SELECT count(*) FROM (
            SELECT 1 FROM inbox_events e
            WHERE e.workspace_id = $1 AND e.origin = 'webhook' AND e.received_at >= $6
            LIMIT $8) found) AS received,
        (SELECT e.received_at FROM inbox_events e
            WHERE e.workspace_id = $1 AND e.origin = 'webhook' AND e.received_at >= $6
            ORDER BY e.received_at DESC LIMIT 1) AS last_received_at,
        (SELECT coalesce(sum(newest.drifting), 0)::int FROM connections c
            CROSS JOIN LATERAL (
                SELECT r.drifting FROM reconciliations r
                WHERE r.account_id = c.id AND r.state = 'done' ORDER BY r.started_at DESC LIMIT 1
            ) newest
            WHERE c.workspace_id = $1 AND c.kind = 'calcom') AS missing,
        (SELECT w.feed_number FROM workspaces w WHERE w.id = $1) AS feed_number
"""
