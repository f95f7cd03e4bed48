"""Clears the faults of a destination queue whose connection was removed."""

import asyncpg

from showup.outbox.delivery import DestinationQueue


async def clear_faults(connection: asyncpg.Connection, queue: DestinationQueue) -> None:
    """Ends the pause of a queue and forgets its failures: they belong to a connection that no longer exists."""
    await connection.execute(
        """
        UPDATE destination_queues SET paused_until = NULL, because = NULL, failures = 0, failing_since = NULL
        WHERE workspace_id = $1 AND destination = $2
        """,
        queue.workspace_id,
        queue.destination,
    )
