"""The one confirmation of a series: which of its dates' mails is sent for all of them (F14).

Each date of a series plans its own confirmation, and all become due a few seconds after their dates arrived. The first
that is prepared claims the mails of all accepted dates that are known by then. These mails wait for it, and are skipped
once it is delivered or previewed. If it is withdrawn or fails, the next one takes its place. A date that arrives later
is claimed by no mail, so its own is sent.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import asyncpg

from showup.destinations.contract import Meeting
from showup.dispatch.attempt_results import NotSent, Postponed
from showup.dispatch.claims import Claimed
from showup.outbox.delivery import DestinationQueue
from showup.outbox.planned import SERIES

_LOOK_AGAIN_AFTER: Final = timedelta(seconds=2)


async def lock(connection: asyncpg.Connection, queue: DestinationQueue, claimed: Sequence[Claimed]) -> None:
    """Makes other processes wait that prepare mails about the same series and recipient, until the transaction ends."""
    ids = [one.id for one in claimed if one.kind == SERIES]
    if ids:
        await connection.execute(
            """
            SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM (
                SELECT DISTINCT concat_ws('/', d.workspace_id, d.destination, b.series_uid, d.recipient) AS name
                FROM deliveries d JOIN bookings b ON b.id = d.booking_id WHERE d.id = ANY($1::uuid[])
                AND d.workspace_id = $2 ORDER BY name
            ) names
            """,
            ids,
            queue.workspace_id,
        )
        # In the order in which all transactions lock deliveries, to avoid deadlocks.
        await connection.execute("SELECT FROM deliveries WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE", ids)


async def claim_dates(
    connection: asyncpg.Connection, queue: DestinationQueue, one: Claimed, meeting: Meeting, now: datetime
) -> NotSent | Postponed | None:
    """Claims the mails of the series' dates; returns why this mail is not sent if another mail has claimed it."""
    other = await connection.fetchrow(
        """
        SELECT state, wake_at FROM deliveries
        WHERE workspace_id = $1 AND destination = $2 AND kind = 'series' AND recipient = $3 AND id <> $4
        AND found->'confirms' @> to_jsonb($4::text) AND state IN ('scheduled', 'sending', 'delivered', 'previewed')
        ORDER BY state IN ('delivered', 'previewed') DESC LIMIT 1
        """,
        queue.workspace_id,
        queue.destination,
        one.recipient,
        one.id,
    )
    if other is not None and other["state"] in ("delivered", "previewed"):
        return NotSent(state="skipped", because="another mail about the series confirmed this date too")
    if other is not None:
        because = "another mail about the series confirms this date too"
        return Postponed(until=max(now + _LOOK_AGAIN_AFTER, other["wake_at"]), because=because)
    dates = [date.booking_id for date in meeting.series if date.status == "ACCEPTED"]
    # A seat that is taken again later has a mail of its own, so mails are claimed, and not bookings.
    await connection.execute(
        """
        UPDATE deliveries SET found = coalesce(found, '{}') || jsonb_build_object('bookings', $2::text[], 'confirms', (
            SELECT coalesce(jsonb_agg(d.id::text), '[]') FROM deliveries d
            WHERE d.workspace_id = $3 AND d.destination = $4 AND d.kind = 'series' AND d.recipient = $5
            AND d.booking_id = ANY($6::uuid[]) AND d.state IN ('scheduled', 'sending')
        )) WHERE id = $1
        """,
        one.id,
        [str(date) for date in dates],
        queue.workspace_id,
        queue.destination,
        one.recipient,
        dates,
    )
    return None
