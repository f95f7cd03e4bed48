"""Loads the reminders of meetings, for a destination that plans them itself."""

from collections.abc import Collection, Mapping
from typing import TypeAlias
from uuid import UUID

import asyncpg

from showup.destinations.contract import PlannedReminder
from showup.outbox.delivery import MAIL_DESTINATIONS
from showup.outbox.planned import REMINDER

PlannedReminders: TypeAlias = Mapping[tuple[UUID, str], tuple[PlannedReminder, ...]]
"""The reminders of (booking, recipient), by time."""


async def load_planned_reminders(connection: asyncpg.Connection, booking_ids: Collection[UUID]) -> PlannedReminders:
    """Loads the reminders of these bookings at their present time, sent or not; those by mail stand for all."""
    rows = await connection.fetch(
        """
        SELECT d.id, d.booking_id, d.recipient, (d.details->>'before_seconds')::int AS before_seconds, d.due_at,
               d.expires_at
        FROM deliveries d JOIN bookings b ON b.id = d.booking_id AND b.version = d.booking_version
        WHERE d.booking_id = ANY($1::uuid[]) AND d.kind = $2 AND d.destination = ANY($3::text[])
        AND d.state <> 'withdrawn' AND d.unwanted IS NULL AND d.details ? 'before_seconds'
        ORDER BY d.due_at, d.id
        """,
        list(booking_ids),
        REMINDER,
        list(MAIL_DESTINATIONS),
    )
    found: dict[tuple[UUID, str], tuple[PlannedReminder, ...]] = {}
    for row in rows:
        key = row["booking_id"], row["recipient"]
        reminder = PlannedReminder(
            id=row["id"],
            before_seconds=row["before_seconds"],
            due_at=row["due_at"],
            expires_at=row["expires_at"],
        )
        found[key] = (*found.get(key, ()), reminder)
    return found
