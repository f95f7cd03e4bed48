"""System notifications: questions for people, CRM notes about sent reminders, and reports of failures.

They are deliveries too, written in the transaction that recorded the first delivery's outcome. No booking event planned
them, so no replay withdraws them.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

import asyncpg
from msgspec import Struct

from showup.database import bulk
from showup.database.tables import deliveries
from showup.outbox.delivery import DestinationQueue
from showup.outbox.subscriptions import of_workspace, subscribed_destinations
from showup.outbox.wakeups import wake_queues

_EXPIRES_AFTER: Final = timedelta(days=1)
_PRIORITY: Final = 25


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
        _row(workspace_id, destination, one, now)
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
    row = _row(queue.workspace_id, queue.destination, notification, now)
    await bulk.insert_new(connection, deliveries, [row])
    await wake_queues(connection, [(queue, now)], now)
    delivery_id: UUID = row["id"]
    return delivery_id


def _row(workspace_id: UUID, destination: str, notification: SystemNotification, now: datetime) -> dict[str, Any]:
    key = f"{destination}/{notification.key}"
    return {
        "id": uuid5(workspace_id, key),
        "workspace_id": workspace_id,
        "booking_id": notification.booking_id,
        "event_id": None,
        "key": key,
        "destination": destination,
        "kind": notification.kind,
        "recipient": notification.recipient,
        "priority": _PRIORITY,
        "booking_version": 0,
        "due_at": now,
        "expires_at": notification.expires_at or now + _EXPIRES_AFTER,
        "wake_at": now,
        "state": "scheduled",
        "because": None,
        "details": notification.details,
        "simulated": False,
        "created_at": now,
        "updated_at": now,
    }
