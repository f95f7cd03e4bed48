"""Reads the daily statement: what became of each webhook of a day, and what Cal.com has that Showup lacks (RU6)."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
from msgspec import Struct, to_builtins
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.engine import driver_connection
from showup.values.time_zone import zone_of


class DailyStatement(Struct, frozen=True, kw_only=True):
    """The webhooks that a workspace `received` on a day of its time zone, and what became of them since.

    received = projected + duplicate + ignored + unreadable + open + erased; those that are `open` wait for another
    event, or will be tried again. `repaired`: events that the comparisons of the day with Cal.com's API added.
    `missing`: bookings that differ from Cal.com's after the last comparison before the day's end (today: until now),
    and that no event can repair; None if an account was never compared. `not_compared`: the Cal.com accounts that were
    not compared on that day, by name.
    """

    workspace: str
    day: date
    time_zone: str
    received: int
    projected: int
    duplicate: int
    ignored: int
    unreadable: int
    open: int
    erased: int
    repaired: int
    missing: int | None
    not_compared: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """Returns whether every webhook was dealt with, and nothing is known or suspected to be missing."""
        return not (self.unreadable or self.open or self.not_compared) and self.missing == 0

    def to_dict(self) -> dict[str, Any]:
        """Returns all fields by name, and `is_complete`."""
        return {**to_builtins(self), "is_complete": self.is_complete}


async def list_statements(
    tx: AsyncConnection, permission: Permission, now: datetime, *, day: date | None = None
) -> list[DailyStatement]:
    """Returns the statement of each workspace that the permission allows; `day` is yesterday there if None."""
    connection = await driver_connection(tx)
    return [
        await _statement(connection, row, day or now.astimezone(zone_of(row["time_zone"])).date() - timedelta(days=1))
        for row in await connection.fetch(_WORKSPACES, permission.workspace_id)
    ]


async def _statement(connection: asyncpg.Connection, workspace: asyncpg.Record, day: date) -> DailyStatement:
    zone = zone_of(workspace["time_zone"])
    since, until = (datetime.combine(each, time(), zone) for each in (day, day + timedelta(days=1)))
    accounts = await connection.fetch(_COMPARISONS, workspace["id"], since, until)
    return DailyStatement(
        workspace=workspace["slug"],
        day=day,
        time_zone=zone.key,
        **await _counts(connection, workspace["id"], since, until),
        missing=_missing(accounts),
        not_compared=tuple(row["name"] for row in accounts if not row["compared"]),
    )


async def _counts(
    connection: asyncpg.Connection, workspace_id: UUID, since: datetime, until: datetime
) -> dict[str, Any]:
    row = await connection.fetchrow(_EVENTS, workspace_id, since, until)
    assert row is not None, "a count returns one row"
    return dict(row)


def _missing(accounts: Sequence[asyncpg.Record]) -> int | None:
    counts = [row["drifting"] for row in accounts]
    return None if None in counts else sum(counts)


_WORKSPACES: Final = """
    SELECT id, slug, time_zone FROM workspaces WHERE $1::uuid IS NULL OR id = $1 ORDER BY created_at, slug
"""
_EVENTS: Final = """
    SELECT count(*) FILTER (WHERE origin = 'webhook') AS received,
           count(*) FILTER (WHERE origin = 'webhook' AND state = 'applied') AS projected,
           count(*) FILTER (WHERE origin = 'webhook' AND state = 'duplicate') AS duplicate,
           count(*) FILTER (WHERE origin = 'webhook' AND state = 'ignored') AS ignored,
           count(*) FILTER (WHERE origin = 'webhook' AND state = 'unreadable') AS unreadable,
           count(*) FILTER (WHERE origin = 'webhook' AND state IN ('pending', 'waiting', 'failed')) AS open,
           count(*) FILTER (WHERE origin = 'webhook' AND state = 'erased') AS erased,
           count(*) FILTER (WHERE origin = 'reconcile' AND state = 'applied') AS repaired
    FROM inbox_events
    WHERE received_at >= $2 AND received_at < $3 AND origin IN ('webhook', 'reconcile')
    -- An event that no route of its account takes belongs to no workspace: it counts where the account is.
    AND coalesce(workspace_id, (SELECT c.workspace_id FROM connections c WHERE c.id = account_id)) = $1
"""
# The comparison of the last hour of a day may end after it.
_COMPARISONS: Final = """
    SELECT c.name, newest.drifting, coalesce(newest.started_at >= $2, false) AS compared
    FROM connections c LEFT JOIN LATERAL (
        SELECT r.drifting, r.started_at FROM reconciliations r
        WHERE r.account_id = c.id AND r.state = 'done' AND r.started_at < $3 ORDER BY r.started_at DESC LIMIT 1
    ) newest ON true
    WHERE c.workspace_id = $1 AND c.kind = 'calcom' ORDER BY c.name
"""
