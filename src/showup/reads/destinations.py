"""Reads how a workspace's destinations are doing: their state, what waits, what failed, and their last 24 hours."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeAlias, get_args

import asyncpg
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.engine import driver_connection

HOURS: Final = 24
MAX_FAILED: Final = 10_000
"""Failed deliveries are counted up to this number."""
MAX_OPEN: Final = 20_000
"""Deliveries that wait or are planned are counted up to this number, the next ones first."""
_PAUSED_BY_PERSON: Final = "a person paused it: resume it on the page Connections"

DestinationCondition: TypeAlias = Literal["paused", "failing", "paused_by_person", "failed", "working"]


class DestinationStatus(Struct, frozen=True, kw_only=True):
    """The deliveries of one workspace to one destination.

    `address` is that of an outgoing webhook. `condition`: Showup pauses what fails, and a person may pause a
    connection. `because` and `since`: why calls fail, if they do. `waiting`: deliveries that are due, the oldest since
    `oldest_due_at`; `planned` are due later. Of the `failed`, a retry would send `retryable` again; the time of the
    others is over. `by_hour` has the deliveries of the last 24 hours, oldest hour first, and `failed_by_hour` those
    that failed.
    """

    destination: str
    address: str | None
    condition: DestinationCondition
    because: str | None
    since: datetime | None
    paused_until: datetime | None
    last_success_at: datetime | None
    waiting: int
    oldest_due_at: datetime | None
    planned: int
    failed: int
    retryable: int
    failed_at: datetime | None
    by_hour: list[int]
    failed_by_hour: list[int]

    @property
    def is_stopped(self) -> bool:
        """Returns whether nothing gets through: a person is told so on the page and by `showup doctor` alike."""
        return self.condition in ("paused", "failing", "paused_by_person")


async def list_destinations(tx: AsyncConnection, permission: Permission, now: datetime) -> list[DestinationStatus]:
    """Returns the destinations that have or had deliveries; those that need a person first."""
    connection = await driver_connection(tx)
    rows = await connection.fetch(_DESTINATIONS, permission.workspace_id, now, MAX_FAILED, MAX_OPEN)
    names = [row["destination"] for row in rows]
    since = now - timedelta(hours=HOURS)
    hours = await connection.fetch(_HOURS, permission.workspace_id, names, since, now, MAX_FAILED)
    found = [_status(row, hours, now) for row in rows]
    order = get_args(DestinationCondition)
    return sorted(found, key=lambda one: (order.index(one.condition), one.destination))


def _status(row: Mapping[str, Any], hours: list[asyncpg.Record], now: datetime) -> DestinationStatus:
    is_paused = row["paused_until"] is not None and row["paused_until"] > now
    is_failing = is_paused or row["failing_since"] is not None
    condition: DestinationCondition = "working"
    because = row["because"] if is_failing else row["failed_because"]
    if row["paused_by_person"]:
        condition, because = "paused_by_person", _PAUSED_BY_PERSON
    elif is_failing:
        condition = "paused" if is_paused else "failing"
    elif row["failed"]:
        condition = "failed"
    counted = {True: [0] * HOURS, False: [0] * HOURS}
    for hour in hours:
        if hour["destination"] == row["destination"]:
            counted[hour["is_failed"]][HOURS - 1 - min(max(hour["hours_ago"], 0), HOURS - 1)] += hour["number"]
    return DestinationStatus(
        destination=row["destination"],
        address=row["url"],
        condition=condition,
        because=because,
        since=row["failing_since"],
        paused_until=row["paused_until"] if is_paused else None,
        last_success_at=row["last_success_at"],
        waiting=row["waiting"],
        oldest_due_at=row["oldest_due_at"],
        planned=row["planned"],
        failed=row["failed"],
        retryable=row["retryable"],
        failed_at=row["failed_at"],
        by_hour=counted[False],
        failed_by_hour=counted[True],
    )


_DESTINATIONS: Final = """
    WITH open AS (
        SELECT d.destination,
               count(*) FILTER (WHERE d.due_at <= $2)::int AS waiting,
               count(*) FILTER (WHERE d.due_at > $2)::int AS planned,
               min(d.due_at) FILTER (WHERE d.due_at <= $2) AS oldest_due_at
        FROM (
            SELECT next.destination, next.due_at FROM deliveries next
            WHERE next.workspace_id = $1 AND next.state IN ('scheduled', 'sending') ORDER BY next.wake_at LIMIT $4
        ) d GROUP BY 1
    ), failed AS (
        SELECT newest.destination, count(*)::int AS failed, max(newest.updated_at) AS failed_at,
               count(*) FILTER (WHERE newest.unwanted IS NULL AND coalesce(newest.expires_at > $2, true))::int
                   AS retryable,
               (array_agg(newest.because ORDER BY newest.updated_at DESC))[1] AS failed_because
        FROM (
            SELECT d.destination, d.updated_at, d.unwanted, d.expires_at, d.because FROM deliveries d
            WHERE d.workspace_id = $1 AND d.state = 'failed' ORDER BY d.updated_at DESC LIMIT $3
        ) newest GROUP BY 1
    ), named AS (
        SELECT destination FROM destination_queues WHERE workspace_id = $1
        UNION SELECT destination FROM open UNION SELECT destination FROM failed
    )
    SELECT n.destination, e.url, q.paused_until, q.because, q.failing_since,
           coalesce(o.waiting, 0) AS waiting, coalesce(o.planned, 0) AS planned, o.oldest_due_at,
           coalesce(f.failed, 0) AS failed, coalesce(f.retryable, 0) AS retryable, f.failed_at, f.failed_because,
           EXISTS (SELECT FROM connections c WHERE c.workspace_id = $1 AND c.kind = n.destination
                   AND (c.settings->>'paused')::boolean) AS paused_by_person,
           (SELECT d.delivered_at FROM deliveries d
            WHERE d.workspace_id = $1 AND d.destination = n.destination AND d.delivered_at IS NOT NULL
            ORDER BY d.delivered_at DESC LIMIT 1) AS last_success_at
    FROM named n
    LEFT JOIN destination_queues q ON q.workspace_id = $1 AND q.destination = n.destination
    LEFT JOIN open o ON o.destination = n.destination
    LEFT JOIN failed f ON f.destination = n.destination
    LEFT JOIN endpoints e ON e.workspace_id = $1 AND n.destination = 'webhook:' || e.id::text
"""
_HOURS: Final = """
    SELECT one.destination, made.hours_ago, made.number, false AS is_failed
    FROM unnest($2::text[]) AS one(destination) CROSS JOIN LATERAL (
        SELECT floor(extract(epoch FROM $4::timestamptz - d.delivered_at) / 3600)::int AS hours_ago,
               count(*)::int AS number
        FROM deliveries d
        WHERE d.workspace_id = $1 AND d.destination = one.destination AND d.delivered_at > $3
        GROUP BY 1
    ) made
    UNION ALL
    SELECT newest.destination, newest.hours_ago, count(*)::int, true FROM (
        SELECT d.destination, floor(extract(epoch FROM $4::timestamptz - d.updated_at) / 3600)::int AS hours_ago
        FROM deliveries d
        WHERE d.workspace_id = $1 AND d.state = 'failed' AND d.updated_at > $3 ORDER BY d.updated_at DESC LIMIT $5
    ) newest GROUP BY 1, 2
"""
