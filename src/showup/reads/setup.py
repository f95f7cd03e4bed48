"""Reads how far the first run is: Cal.com's account, its first webhook, the mail carrier, and who has chosen rules."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.engine import driver_connection


class NewestBooking(Struct, frozen=True, kw_only=True):
    """The newest booking of a webhook: who, and when they meet. `is_first`: there is no other."""

    person: str
    title: str
    start_time: datetime
    is_first: bool


class SetupProgress(Struct, frozen=True, kw_only=True):
    """`account` is the name of the workspace's Cal.com account, None without one; `sealed` its encrypted credentials.

    `read_bookings` (None: none was asked for), `is_reading` and `reading_because` (why it failed): the import of past
    bookings. `sample`: whether the sample is loaded.
    """

    account: str | None
    sealed: bytes | None
    last_webhook_at: datetime | None
    newest_booking: NewestBooking | None
    read_bookings: int | None
    is_reading: bool
    reading_because: str | None
    calcom_because: str | None
    carrier: str | None
    chosen: Collection[str]
    sample: bool


async def load_progress(tx: AsyncConnection, permission: Permission) -> SetupProgress:
    """Returns the progress of the permission's workspace."""
    connection = await driver_connection(tx)
    row: dict[str, Any] = dict(await connection.fetchrow(_PROGRESS, permission.workspace_id))
    bookings = await connection.fetch(_BOOKINGS, permission.workspace_id) if row["last_webhook_at"] is not None else []
    newest = NewestBooking(**dict(bookings[0]), is_first=len(bookings) == 1) if bookings else None
    return SetupProgress(newest_booking=newest, **row)


_PROGRESS: Final = """
    WITH account AS (
        SELECT c.id, c.name, c.credentials FROM connections c
        WHERE c.workspace_id = $1 AND c.kind = 'calcom' ORDER BY c.created_at, c.name LIMIT 1
    )
    SELECT (SELECT name FROM account) AS account, (SELECT credentials FROM account) AS sealed,
           (SELECT e.received_at FROM inbox_events e
                WHERE e.workspace_id = $1 AND e.origin = 'webhook' AND e.source = 'calcom'
                ORDER BY e.received_at DESC LIMIT 1) AS last_webhook_at,
           (SELECT sum(r.looked_at)::int FROM reconciliations r
                WHERE r.account_id = (SELECT id FROM account) AND r.kind = 'backfill') AS read_bookings,
           EXISTS (SELECT 1 FROM reconciliations r
                WHERE r.account_id = (SELECT id FROM account) AND r.kind = 'backfill'
                AND r.state IN ('waiting', 'running')) AS is_reading,
           (SELECT r.because FROM reconciliations r
                WHERE r.account_id = (SELECT id FROM account) AND r.kind = 'backfill'
                ORDER BY r.started_at DESC, r.id DESC LIMIT 1) AS reading_because,
           (SELECT s.because FROM syncs s
                WHERE s.account_id = (SELECT id FROM account) AND s.failing_since IS NOT NULL) AS calcom_because,
           (SELECT c.kind FROM connections c
                WHERE c.workspace_id = $1 AND c.kind IN ('resend', 'smtp') ORDER BY c.kind LIMIT 1) AS carrier,
           ARRAY(SELECT DISTINCT jsonb_object_keys(r.changes) FROM rules r
                WHERE r.workspace_id = $1 AND r.actor LIKE 'teammate:%') AS chosen,
           EXISTS (SELECT 1 FROM inbox_events e
                WHERE e.workspace_id = $1 AND e.origin = 'sample' AND e.state <> 'erased') AS sample
"""
_BOOKINGS: Final = """
    SELECT coalesce(p.name, p.email, b.title) AS person, b.title, b.start_time
    FROM bookings b LEFT JOIN people p ON p.id = b.person_id
    WHERE b.workspace_id = $1 AND NOT b.simulated
      AND EXISTS (SELECT 1 FROM inbox_events e WHERE e.booking_id = b.id AND e.origin = 'webhook')
    ORDER BY b.created_at DESC LIMIT 2
"""
