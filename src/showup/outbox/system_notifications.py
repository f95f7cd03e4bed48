"""System notifications: questions for people, CRM notes about sent reminders, and reports of failures.

They are deliveries too, written in the transaction that recorded the first delivery's outcome. No booking event planned
them, so no replay withdraws them.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.database import bulk
from showup.database.tables import deliveries
from showup.outbox import expiry
from showup.outbox.delivery import Delivery, DestinationQueue
from showup.outbox.subscriptions import of_workspace, subscribed_destinations
from showup.outbox.wakeups import wake_queues


class SystemNotification(Struct, frozen=True, kw_only=True):
    """A system notification for the subscribers of its `kind`; `key` is its idempotency key.

    `excluded_destination` is the destination that it is about, if any; it does not receive the notification.
    """

    kind: str
    key: str
    details: dict[str, Any]
    booking_id: UUID | None = None
    recipient: str | None = None
    expires_at: datetime | None = None
    excluded_destination: str | None = None


async def notify_subscribers(
    connection: asyncpg.Connection, workspace_id: UUID, notifications: Sequence[SystemNotification], now: datetime
) -> None:
    """Writes them for their subscribers, in the connection's transaction, and wakes their queues; each key once."""
    if not notifications:
        return
    subscriptions = await of_workspace(connection, workspace_id)
    rows = [
        _delivery(destination, one, now).to_row(workspace_id)
        for one in notifications
        for destination in subscribed_destinations(subscriptions, one.kind, now)
        if destination != one.excluded_destination
    ]
    await bulk.insert_new(connection, deliveries, rows)
    queues = {DestinationQueue(workspace_id=workspace_id, destination=row["destination"]) for row in rows}
    await wake_queues(connection, [(queue, now) for queue in queues], now)


async def notify_destination(
    connection: asyncpg.Connection, queue: DestinationQueue, notification: SystemNotification, now: datetime
) -> UUID:
    """Writes it for one destination, whatever it subscribes to; returns the delivery's id."""
    row = _delivery(queue.destination, notification, now).to_row(queue.workspace_id)
    await bulk.insert_new(connection, deliveries, [row])
    await wake_queues(connection, [(queue, now)], now)
    delivery_id: UUID = row["id"]
    return delivery_id


def _delivery(destination: str, notification: SystemNotification, now: datetime) -> Delivery:
    return Delivery(
        key=f"{destination}/{notification.key}",
        destination=destination,
        kind=notification.kind,
        decided_at=now,
        due_at=now,
        expires_at=notification.expires_at or expiry.of_kind(notification.kind, now),
        booking_id=notification.booking_id,
        recipient=notification.recipient,
        details=notification.details,
    )
