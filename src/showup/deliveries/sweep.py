"""The sweep: what falls due soon gets its wake-ups. It also finds whatever a lost wake-up or a dead process left."""

from datetime import datetime
from typing import Final

import asyncpg

from showup.deliveries.delivery import Lane
from showup.deliveries.waking import SOON, wake_lanes

# Reminders of one lane within a tenth of a second share a wake-up.
_MOMENTS: Final = """
    SELECT d.workspace_id, d.destination,
           date_bin('100 milliseconds', greatest(d.wake_at, $1), 'epoch') + interval '100 milliseconds' AS at
    FROM deliveries d
    WHERE d.state IN ('scheduled', 'sending') AND d.wake_at <= $2
    GROUP BY 1, 2, 3 ORDER BY 3 LIMIT 10000
"""


async def sweep(connection: asyncpg.Connection, now: datetime) -> int:
    """Enqueues wake-ups for all lanes that have something due soon, or overdue; how many moments there are."""
    rows = await connection.fetch(_MOMENTS, now, now + SOON)
    moments = [(Lane(workspace_id=row["workspace_id"], destination=row["destination"]), row["at"]) for row in rows]
    await wake_lanes(connection, moments, now)
    return len(moments)
