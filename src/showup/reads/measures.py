"""What all who apply and tell did and have to do, in numbers that are cheap however long the log is."""

from datetime import datetime

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.reads.standing import COUNTED_AT_MOST

_WAITING = text(
    """
    SELECT (SELECT count(*) FROM (
                SELECT FROM calcom_events WHERE state IN ('kept', 'failed') LIMIT :most) counted) AS unsettled,
           (SELECT count(*) FROM (SELECT FROM calcom_events WHERE state = 'failed' LIMIT :most) counted) AS failed,
           clock_timestamp() AS now
    """
)
# By workspace, each from the index: the oldest of a long queue is found without reading the queue.
_OLDEST = text(
    """
    SELECT min(oldest.received_at) FROM (
        SELECT first.received_at FROM workspaces w CROSS JOIN LATERAL (
            SELECT received_at FROM calcom_events
            WHERE workspace_id = w.id AND state IN ('kept', 'failed') AND state = 'kept'
            ORDER BY received_at LIMIT 1) first
        UNION ALL (
            SELECT received_at FROM calcom_events
            WHERE workspace_id IS NULL AND state IN ('kept', 'failed') AND state = 'kept'
            ORDER BY workspace_id, received_at LIMIT 1)
    ) oldest
    """
)
_TELLING = text(
    """
    SELECT (SELECT count(*) FROM (
                SELECT FROM deliveries WHERE state IN ('scheduled', 'sending') AND wake_at <= clock_timestamp()
                LIMIT :most) counted) AS due,
           (SELECT count(*) FROM (SELECT FROM deliveries WHERE state = 'failed' LIMIT :most) counted) AS failed,
           (SELECT min(wake_at) FROM deliveries WHERE state IN ('scheduled', 'sending')) AS oldest_at,
           (SELECT count(*) FROM lanes WHERE paused_until > clock_timestamp()) AS paused
    """
)
_TOTALS = text("SELECT name, label, sum(amount) FROM totals GROUP BY name, label ORDER BY name, label")
_CONNECTIONS = text(
    """
    SELECT coalesce(state, 'unknown'), count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'showup' GROUP BY 1 ORDER BY 1
    """
)


class Telling(Struct, frozen=True, kw_only=True):
    """Deliveries that are due, and that failed, counted up to COUNTED_AT_MOST; lanes that are paused.

    `oldest_at` is when the first of those that are still to be told was, or will be, due.
    """

    due: int
    failed: int
    oldest_at: datetime | None
    paused: int


class Measures(Struct, frozen=True, kw_only=True):
    """`unsettled` and `failed` are counted up to COUNTED_AT_MOST; `totals` are sums by (name, label) over workspaces.

    `oldest_at` is when the oldest event arrived that waits to be applied; `connections` are Showup's, by state.
    """

    now: datetime
    unsettled: int
    failed: int
    oldest_at: datetime | None
    totals: dict[tuple[str, str], float]
    connections: dict[str, int]
    telling: Telling


async def measures(tx: AsyncConnection) -> Measures:
    """All of them, of all workspaces together."""
    telling = (await tx.execute(_TELLING, {"most": COUNTED_AT_MOST})).mappings().one()
    unsettled, failed, now = (await tx.execute(_WAITING, {"most": COUNTED_AT_MOST})).one()
    return Measures(
        now=now,
        unsettled=unsettled,
        failed=failed,
        oldest_at=await tx.scalar(_OLDEST),
        totals={(name, label): amount for name, label, amount in await tx.execute(_TOTALS)},
        telling=Telling(**telling),
        connections={row[0]: row[1] for row in await tx.execute(_CONNECTIONS)},
    )
