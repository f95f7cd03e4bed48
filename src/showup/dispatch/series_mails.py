"""The one confirmation of a series: which of its dates' mails is sent for all of them (F14).

Each date of a series plans its own confirmation, and all become due a few seconds after their dates arrived. The first
that is prepared claims all accepted dates that are known by then. The mails of these dates wait for it, and are skipped
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


async def claim_dates(
    connection: asyncpg.Connection, queue: DestinationQueue, one: Claimed, meeting: Meeting, now: datetime
) -> NotSent | Postponed | None:
    """Claims the dates of the series for this mail; returns why it is not sent if another mail has claimed its date."""
    other_state = await connection.fetchval(
        """
        SELECT d.state FROM deliveries d JOIN bookings b ON b.id = d.booking_id
        WHERE d.workspace_id = $1 AND d.destination = $2 AND d.kind = 'series' AND d.recipient = $3 AND d.id <> $4
        AND b.series_uid = $5 AND d.found->'bookings' @> to_jsonb($6::text)
        AND d.state IN ('scheduled', 'sending', 'delivered', 'previewed')
        ORDER BY d.state IN ('delivered', 'previewed') DESC LIMIT 1
        """,
        queue.workspace_id,
        queue.destination,
        one.recipient,
        one.id,
        meeting.series_uid,
        str(meeting.booking_id),
    )
    if other_state in ("delivered", "previewed"):
        return NotSent(state="skipped", because="another mail about the series confirmed this date too")
    if other_state is not None:
        return Postponed(until=now + _LOOK_AGAIN_AFTER, because="another mail about the series confirms this date too")
    dates = [str(date.booking_id) for date in meeting.series if date.status == "ACCEPTED"]
    await connection.execute(
        """
        UPDATE deliveries SET found = coalesce(found, '{}') || jsonb_build_object('bookings', $2::text[]) WHERE id = $1
        """,
        one.id,
        dates,
    )
    return None
