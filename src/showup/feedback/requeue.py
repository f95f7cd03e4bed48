"""Stores a provider's mail feedback that waits in the log for its mail."""

from datetime import datetime, timedelta
from typing import Final

import asyncpg

WAIT_LIMIT: Final = timedelta(minutes=15)
"""How long feedback waits for an unknown mail: Resend may report on a mail before Showup has recorded its delivery."""
_LOCK: Final = 0x4D_41_49_4C
_FOREIGN_MAIL: Final = "unknown mail: this Showup did not send it"


async def requeue_waiting_feedback(connection: asyncpg.Connection, now: datetime) -> int:
    """Passes feedback whose mail is known now to the projector, and expires old feedback.

    Returns how many were passed.
    """
    # One process does this at a time: two that update the same rows in different orders would wait for each other.
    if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK):
        return 0
    rows = await connection.fetch(_REQUEUE)
    await connection.execute(_EXPIRE, now - WAIT_LIMIT, _FOREIGN_MAIL)
    return len(rows)


# The source is a literal in the statement, so that every query plan can use the index of waiting events.
_REQUEUE: Final = """
    UPDATE inbox_events e SET state = 'pending', because = NULL
    FROM deliveries d
    WHERE e.source = 'resend' AND e.state = 'waiting'
    AND d.provider_id = e.uid AND d.workspace_id = e.workspace_id
    RETURNING e.id
"""

_EXPIRE: Final = """
    UPDATE inbox_events SET state = 'ignored', because = $2
    WHERE source = 'resend' AND state = 'waiting' AND coalesce(replayed_at, received_at) <= $1
"""
