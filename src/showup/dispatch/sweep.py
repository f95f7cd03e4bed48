"""The sweep enqueues wake-ups for what is due soon, and for what a lost wake-up or a dead process left behind."""

from datetime import datetime
from typing import Final

import asyncpg

from showup.outbox.delivery import DestinationQueue
from showup.outbox.wakeups import LOOKAHEAD, wake_queues

# Reminders of one queue within a tenth of a second share a wake-up.
_WAKE_TIMES: Final = """
    SELECT d.workspace_id, d.destination,
           date_bin('100 milliseconds', greatest(d.wake_at, $1), 'epoch') + interval '100 milliseconds' AS at
    FROM deliveries d
    WHERE d.state IN ('scheduled', 'sending') AND d.wake_at <= $2
    GROUP BY 1, 2, 3 ORDER BY 3 LIMIT 10000
"""


async def sweep(connection: asyncpg.Connection, now: datetime) -> int:
    """Enqueues wake-ups for all queues with due, overdue or soon-due deliveries; returns how many."""
    rows = await connection.fetch(_WAKE_TIMES, now, now + LOOKAHEAD)
    wake_times = [
        (DestinationQueue(workspace_id=row["workspace_id"], destination=row["destination"]), row["at"]) for row in rows
    ]
    await wake_queues(connection, wake_times, now)
    return len(wake_times)
