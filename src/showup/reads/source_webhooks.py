"""Reads when the webhooks of a workspace's accounts came last, and how many were refused."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.engine import driver_connection

NEWEST_EVENTS: Final = 5_000
"""Only so many of the newest events are searched: the log may have millions."""
_REFUSED_FOR: Final = timedelta(days=7)


class SourceWebhooks(Struct, frozen=True, kw_only=True):
    """An account's webhooks: the last one, None if none of the newest events is one; and those lately refused."""

    account_id: UUID
    last_at: datetime | None
    refused: int
    refused_at: datetime | None


async def last_webhooks(tx: AsyncConnection, permission: Permission, now: datetime) -> Sequence[SourceWebhooks]:
    """Returns the webhooks of the workspace's Cal.com accounts."""
    rows = await (await driver_connection(tx)).fetch(
        _WEBHOOKS, permission.workspace_id, NEWEST_EVENTS, now - _REFUSED_FOR
    )
    return [SourceWebhooks(**dict(row)) for row in rows]


_WEBHOOKS: Final = """
    WITH newest AS (
        SELECT e.account_id, e.received_at, e.origin FROM inbox_events e
        ORDER BY e.received_at DESC, e.id DESC LIMIT $2
    ), last AS (
        SELECT n.account_id, max(n.received_at) AS at FROM newest n WHERE n.origin = 'webhook' GROUP BY 1
    ), refused AS (
        SELECT r.name, sum(r.count)::int AS number, max(r.last_at) AS last_at FROM webhook_refusals r
        WHERE r.kind = 'calcom' AND r.last_at > $3 GROUP BY 1
    )
    SELECT c.id AS account_id, l.at AS last_at, coalesce(r.number, 0) AS refused, r.last_at AS refused_at
    FROM connections c LEFT JOIN last l ON l.account_id = c.id LEFT JOIN refused r ON r.name = c.name
    WHERE c.workspace_id = $1 AND c.kind = 'calcom'
"""
