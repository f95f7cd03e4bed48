"""Metrics of event processing and deliveries; they stay cheap however long the log is."""

from datetime import datetime

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

MAX_COUNT = 10_000
"""The log grows without limit: counting stops here."""
_WAITING = text(
    """
    SELECT (SELECT count(*) FROM (
                SELECT FROM inbox_events WHERE state IN ('pending', 'failed') LIMIT :most) counted) AS unprocessed,
           (SELECT count(*) FROM (SELECT FROM inbox_events WHERE state = 'failed' LIMIT :most) counted) AS failed,
           (SELECT count(*) FROM (
                SELECT FROM inbox_events WHERE state = 'unreadable' LIMIT :most) counted) AS unreadable,
           clock_timestamp() AS now
    """
)
# By workspace, each from the index: finds the oldest of a long queue without reading the queue.
_OLDEST = text(
    """
    SELECT min(oldest.received_at) FROM (
        SELECT first.received_at FROM workspaces w CROSS JOIN LATERAL (
            SELECT received_at FROM inbox_events
            WHERE workspace_id = w.id AND state IN ('pending', 'failed') AND state = 'pending'
            ORDER BY received_at LIMIT 1) first
        UNION ALL (
            SELECT received_at FROM inbox_events
            WHERE workspace_id IS NULL AND state IN ('pending', 'failed') AND state = 'pending'
            ORDER BY workspace_id, received_at LIMIT 1)
    ) oldest
    """
)
_DELIVERY_BACKLOG = text(
    """
    SELECT (SELECT count(*) FROM (
                SELECT FROM deliveries WHERE state IN ('scheduled', 'sending') AND wake_at <= clock_timestamp()
                LIMIT :most) counted) AS due,
           (SELECT count(*) FROM (SELECT FROM deliveries WHERE state = 'failed' LIMIT :most) counted) AS failed,
           (SELECT min(wake_at) FROM deliveries WHERE state IN ('scheduled', 'sending')) AS oldest_at,
           (SELECT count(*) FROM destination_queues WHERE paused_until > clock_timestamp()) AS paused
    """
)
# There is one row for each account, and its comparisons are found by index.
_SYNCS = text(
    """
    SELECT (SELECT count(*) FROM syncs WHERE failing_since IS NOT NULL) AS failing,
           (SELECT coalesce(sum(newest.drifting), 0) FROM syncs s CROSS JOIN LATERAL (
                SELECT r.drifting FROM reconciliations r
                WHERE r.account_id = s.account_id AND r.state = 'done' ORDER BY r.started_at DESC LIMIT 1
            ) newest) AS missing
    """
)
_TOTALS = text("SELECT name, label, sum(amount) FROM totals GROUP BY name, label ORDER BY name, label")
_CONNECTIONS = text(
    """
    SELECT coalesce(state, 'unknown'), count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'showup' GROUP BY 1 ORDER BY 1
    """
)


class DeliveryBacklog(Struct, frozen=True, kw_only=True):
    """Due and failed deliveries, counted up to MAX_COUNT, and paused queues.

    `oldest_at` is the due time of the first delivery that is still to be sent.
    """

    due: int
    failed: int
    oldest_at: datetime | None
    paused: int


class Syncs(Struct, frozen=True, kw_only=True):
    """Accounts whose last sync failed, and bookings that differed from Cal.com's after the last comparison."""

    failing: int
    missing: int


class SystemMetrics(Struct, frozen=True, kw_only=True):
    """Events are counted up to MAX_COUNT by state; `totals` are sums by (name, label) over workspaces.

    `oldest_at` is when the oldest unprocessed event arrived; `connections` are Showup's, by state.
    """

    now: datetime
    unprocessed: int
    failed: int
    unreadable: int
    oldest_at: datetime | None
    totals: dict[tuple[str, str], float]
    connections: dict[str, int]
    delivery_backlog: DeliveryBacklog
    syncs: Syncs


async def read_metrics(tx: AsyncConnection) -> SystemMetrics:
    """Returns the metrics of all workspaces together."""
    delivery_backlog = (await tx.execute(_DELIVERY_BACKLOG, {"most": MAX_COUNT})).mappings().one()
    events = (await tx.execute(_WAITING, {"most": MAX_COUNT})).mappings().one()
    return SystemMetrics(
        **events,
        oldest_at=await tx.scalar(_OLDEST),
        totals={(name, label): amount for name, label, amount in await tx.execute(_TOTALS)},
        delivery_backlog=DeliveryBacklog(**delivery_backlog),
        syncs=Syncs(**(await tx.execute(_SYNCS)).mappings().one()),
        connections={row[0]: row[1] for row in await tx.execute(_CONNECTIONS)},
    )
