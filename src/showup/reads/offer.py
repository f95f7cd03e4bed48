"""Reads whether another time can be offered to an attendee who did not come, and whether one was."""

from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.engine import driver_connection


class Offer(Struct, frozen=True, kw_only=True):
    """The offers of another time to an address.

    `state` and `due_at` are those of this meeting's offer, None without one. `last_at`: when the person got one for
    another meeting. `suppressed`: the reason why the address gets none.
    """

    state: str | None
    due_at: datetime | None
    last_at: datetime | None
    suppressed: str | None


async def load_offer(tx: AsyncConnection, permission: Permission, booking_id: UUID, email: str) -> Offer:
    """Returns the offers to this address."""
    row = await (await driver_connection(tx)).fetchrow(_OFFER, permission.workspace_id, booking_id, email)
    return Offer(**row)


_OFFER: Final = """
    SELECT own.state, own.due_at,
           (SELECT max(d.delivered_at) FROM deliveries d
            WHERE d.workspace_id = $1 AND d.recipient = $3 AND d.kind = 'no_show' AND d.state = 'delivered'
              AND d.booking_id IS DISTINCT FROM $2) AS last_at,
           (SELECT s.reason FROM suppressions s WHERE s.workspace_id = $1 AND s.email = $3 LIMIT 1) AS suppressed
    FROM (SELECT 1) one LEFT JOIN LATERAL (
        SELECT d.state, d.due_at FROM deliveries d
        WHERE d.workspace_id = $1 AND d.booking_id = $2 AND d.recipient = $3 AND d.kind = 'no_show'
        ORDER BY d.created_at DESC LIMIT 1
    ) own ON true
"""
