"""Reads when the webhooks of a workspace's connections came last, and how many were refused."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.engine import driver_connection

NEWEST_EVENTS: Final = 5_000
"""Only so many of the newest events are searched: the log may have millions."""


class ReceivedWebhooks(Struct, frozen=True, kw_only=True):
    """The webhooks that one connection receives, and those that were refused since somebody acknowledged it.

    `last_at` is None if none of the newest events is one: only those of Cal.com are events of the log.
    """

    last_at: datetime | None
    refused: int
    refused_at: datetime | None


async def received_webhooks(tx: AsyncConnection, permission: Permission) -> Mapping[UUID, ReceivedWebhooks]:
    """Returns the webhooks of the workspace's connections, by the connection's id."""
    rows = await (await driver_connection(tx)).fetch(_WEBHOOKS, permission.workspace_id, NEWEST_EVENTS)
    return {
        row["id"]: ReceivedWebhooks(last_at=row["last_at"], refused=row["refused"], refused_at=row["refused_at"])
        for row in rows
    }


_WEBHOOKS: Final = """
    WITH newest AS (
        SELECT e.account_id, e.received_at, e.origin FROM inbox_events e
        ORDER BY e.received_at DESC, e.id DESC LIMIT $2
    ), last AS (
        SELECT n.account_id, max(n.received_at) AS at FROM newest n WHERE n.origin = 'webhook' GROUP BY 1
    ), refused AS (
        SELECT r.kind, r.name, sum(r.count)::int AS number, max(r.last_at) AS last_at FROM webhook_refusals r
        GROUP BY 1, 2
    )
    SELECT c.id, l.at AS last_at, coalesce(r.number, 0) AS refused, r.last_at AS refused_at
    FROM connections c LEFT JOIN last l ON l.account_id = c.id
    LEFT JOIN refused r ON r.kind = c.kind AND r.name = c.name
    WHERE c.workspace_id = $1
"""
