"""Feedback of a provider as it waits in the log for the mail that it is about."""

from datetime import datetime, timedelta
from typing import Final

import asyncpg

from showup.inbox.raw_event import FROM_RESEND

WAITS_FOR: Final = timedelta(minutes=15)
"""How long feedback waits for a mail that nobody knows: its delivery may be noted later than Resend tells of it."""
NOT_KNOWN_YET: Final = "the mail that it tells of is not known here yet"
_LOCK: Final = 0x4D_41_49_4C
_NOT_OURS: Final = "the mail that it tells of is none that this Showup has sent"


async def look_again(connection: asyncpg.Connection, now: datetime) -> int:
    """Hands feedback to the applier whose mail is known by now, and gives up what waited long; how many were handed."""
    # One process looks at a time: two that change the same rows in different orders would wait for each other.
    if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK):
        return 0
    rows = await connection.fetch(_KNOWN)
    await connection.execute(_GIVE_UP, now - WAITS_FOR, _NOT_OURS)
    return len(rows)


# The origin stands in the text, so that every plan of them can use the index of what waits.
_KNOWN: Final = f"""
    UPDATE calcom_events e SET state = 'kept', because = NULL
    FROM deliveries d
    WHERE e.origin = '{FROM_RESEND}' AND e.state = 'waiting'
    AND d.provider_id = e.uid AND d.workspace_id = e.workspace_id
    RETURNING e.id
"""  # noqa: S608  # a constant

_GIVE_UP: Final = f"""
    UPDATE calcom_events SET state = 'ignored', because = $2
    WHERE origin = '{FROM_RESEND}' AND state = 'waiting' AND coalesce(replayed_at, received_at) <= $1
"""  # noqa: S608  # a constant
