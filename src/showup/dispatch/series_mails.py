"""The one confirmation or cancellation of a series: which of its dates' mails is sent for all of them (F14).

Each date of a series plans its own mail, and all become due a few seconds after their dates arrived. The first that is
prepared claims the mails of the dates that are known by then: the accepted ones, or those that were cancelled. These
mails wait for it, and are skipped once it is delivered or previewed. If it is withdrawn or fails, the next one takes
its place. A date that arrives later is claimed by no mail, so its own is sent.

If all remaining dates of a series are cancelled, Cal.com reports one of them. The mail about it therefore waits a few
minutes for a comparison with Cal.com's API, which finds the others.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.connections.sync_requests_store import request_sync
from showup.destinations.contract import Meeting, SeriesDate
from showup.dispatch.attempt_results import NotSent, Postponed
from showup.dispatch.claims import Claimed
from showup.outbox.delivery import DestinationQueue
from showup.outbox.planned import CANCELLED, SERIES, WITH_SERIES

# So many calendar entries can one mail cancel; the other dates have another mail.
_MOST_CANCELLED: Final = 12
_LOOK_AGAIN_AFTER: Final = timedelta(seconds=2)
# A comparison leaves out the last minutes, in which webhooks may be in transit (`grace`), and runs once a minute.
_COMPARED_WITHIN: Final = timedelta(minutes=4)
_COMPARISON_SEEN_AFTER: Final = timedelta(seconds=5)
_LOOK_AT_COMPARISON_AFTER: Final = timedelta(seconds=15)


class _Kind(Struct, frozen=True, kw_only=True):
    """Dates of this status are in one mail; the texts say why the mail of another date is skipped, or waits."""

    status: str
    was_sent: str
    is_sent: str


_KINDS: Final = {
    SERIES: _Kind(
        status="ACCEPTED",
        was_sent="another mail about the series confirmed this date too",
        is_sent="another mail about the series confirms this date too",
    ),
    CANCELLED: _Kind(
        status="CANCELLED",
        was_sent="another mail about the series said that this date is cancelled too",
        is_sent="another mail about the series says that this date is cancelled too",
    ),
}
KINDS: Final = frozenset(_KINDS)
"""The kinds of mail of which one may be about several dates."""


async def lock(connection: asyncpg.Connection, queue: DestinationQueue, claimed: Sequence[Claimed]) -> None:
    """Makes other processes wait that prepare mails about the same series and recipient, until the transaction ends."""
    ids = [one.id for one in claimed if _may_have_dates(one)]
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


def _may_have_dates(one: Claimed) -> bool:
    return one.kind == SERIES or (one.kind == CANCELLED and WITH_SERIES in one.details)


async def claim_dates(
    connection: asyncpg.Connection, queue: DestinationQueue, one: Claimed, meeting: Meeting, now: datetime
) -> tuple[SeriesDate, ...] | NotSent | Postponed:
    """Claims the mails of the series' dates. Returns the dates that this mail is about, or why it is not sent.

    A confirmation is about all accepted dates. A cancellation is about those whose mails it claims: the others were
    cancelled earlier. It has no dates if it is about this meeting alone.
    """
    if not _may_have_dates(one):
        return ()
    other = await connection.fetchrow(
        """
        SELECT state, wake_at FROM deliveries
        WHERE workspace_id = $1 AND destination = $2 AND kind = $5 AND recipient = $3 AND id <> $4
        AND found->'confirms' @> to_jsonb($4::text) AND state IN ('scheduled', 'sending', 'delivered', 'previewed')
        ORDER BY state IN ('delivered', 'previewed') DESC LIMIT 1
        """,
        queue.workspace_id,
        queue.destination,
        one.recipient,
        one.id,
        one.kind,
    )
    kind = _KINDS[one.kind]
    if other is not None and other["state"] in ("delivered", "previewed"):
        return NotSent(state="skipped", because=kind.was_sent)
    if other is not None:
        return Postponed(until=max(now + _LOOK_AGAIN_AFTER, other["wake_at"]), because=kind.is_sent)
    dates = tuple(date for date in meeting.series if date.status == kind.status)
    if one.kind == CANCELLED:
        if any(date.status == "ACCEPTED" and date.start_time > now for date in meeting.series) and (
            postponed := await _until_compared(connection, one, now)
        ):
            return postponed
        own = await _unclaimed(connection, queue, one, [date.booking_id for date in dates])
        dates = tuple(date for date in dates if date.booking_id in own)
        if meeting.booking_id not in own or len(dates) == 1:
            return ()
    # A seat that is taken again later has a mail of its own, so mails are claimed, and not bookings.
    await connection.execute(
        """
        UPDATE deliveries SET found = found || jsonb_build_object('bookings', $2::text[], 'confirms', (
            SELECT coalesce(jsonb_agg(d.id::text), '[]') FROM deliveries d
            WHERE d.workspace_id = $3 AND d.destination = $4 AND d.kind = $7 AND d.recipient = $5
            AND d.booking_id = ANY($6::uuid[]) AND d.state IN ('scheduled', 'sending')
        )) WHERE id = $1
        """,
        one.id,
        [str(date.booking_id) for date in dates],
        queue.workspace_id,
        queue.destination,
        one.recipient,
        [date.booking_id for date in dates],
        one.kind,
    )
    return dates


async def _until_compared(connection: asyncpg.Connection, one: Claimed, now: datetime) -> Postponed | None:
    """Asks for a comparison of the account with Cal.com; returns until when the mail waits for it, None if no more.

    An account that is not compared, or whose last comparison failed, is not waited for.
    """
    sync = await connection.fetchrow(
        """
        SELECT s.account_id, s.failures, s.compared_until, s.last_ok_at
        FROM bookings b JOIN syncs s ON s.account_id = b.account_id WHERE b.id = $1
        """,
        one.booking_id,
    )
    waits_until = one.decided_at + _COMPARED_WITHIN
    if sync is None or sync["failures"] or now >= waits_until:
        return None
    if sync["compared_until"] is None or sync["compared_until"] < one.decided_at:
        await request_sync(connection, sync["account_id"], now, full=False)
        look_at = now + _LOOK_AT_COMPARISON_AFTER
    elif now >= (look_at := sync["last_ok_at"] + _COMPARISON_SEEN_AFTER):
        return None
    because = "Cal.com may have cancelled other dates of the series too: waiting for a comparison with it"
    return Postponed(until=min(look_at, waits_until), because=because)


async def _unclaimed(
    connection: asyncpg.Connection, queue: DestinationQueue, one: Claimed, booking_ids: Sequence[UUID]
) -> set[UUID]:
    """Returns the bookings whose mail of this kind is not sent, and that no other mail has claimed; its own first."""
    rows = await connection.fetch(
        """
        SELECT d.booking_id FROM deliveries d
        WHERE d.workspace_id = $1 AND d.destination = $2 AND d.kind = $3 AND d.recipient = $4
        AND d.booking_id = ANY($5::uuid[]) AND d.state IN ('scheduled', 'sending') AND d.unwanted IS NULL
        AND d.details ? $8
        AND NOT EXISTS (
            SELECT FROM deliveries o WHERE o.workspace_id = $1 AND o.destination = $2 AND o.kind = $3
            AND o.recipient = $4 AND o.id <> $6 AND o.state IN ('scheduled', 'sending', 'delivered', 'previewed')
            AND o.found->'confirms' @> to_jsonb(d.id::text))
        GROUP BY d.booking_id ORDER BY bool_or(d.id = $6) DESC, d.booking_id LIMIT $7
        """,
        queue.workspace_id,
        queue.destination,
        one.kind,
        one.recipient,
        list(booking_ids),
        one.id,
        _MOST_CANCELLED,
        WITH_SERIES,
    )
    return {row["booking_id"] for row in rows}
