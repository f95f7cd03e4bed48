"""Measures how fast reminders move with their meetings: rewritten in batches, as the applier does it."""

from datetime import UTC, datetime, timedelta
from time import perf_counter
from uuid import UUID, uuid4

import asyncpg
from msgspec.structs import replace

from benchmarks.delivery_benchmark import Row
from showup.outbox import store
from showup.outbox.delivery import Delivery

_BATCH = 500
_AHEAD = timedelta(days=3)


async def measure_moves(driver: asyncpg.Connection, label: str, count: int) -> Row:
    """Moves that many bookings, with a reminder each, by an hour."""
    workspace_id = await driver.fetchval("SELECT id FROM workspaces")
    reminders = [_reminder(number) for number in range(count)]
    await _rewrite_deliveries(driver, workspace_id, reminders)
    await driver.execute("VACUUM ANALYZE deliveries")
    moved_reminders = [
        replace(reminder, due_at=reminder.due_at + timedelta(hours=1), booking_version=2) for reminder in reminders
    ]
    started_at = perf_counter()
    await _rewrite_deliveries(driver, workspace_id, moved_reminders)
    return Row(label=label, times=count, per_second=count / (perf_counter() - started_at))


async def _rewrite_deliveries(driver: asyncpg.Connection, workspace_id: UUID, deliveries: list[Delivery]) -> None:
    for offset in range(0, len(deliveries), _BATCH):
        batch = deliveries[offset : offset + _BATCH]
        async with driver.transaction():
            await store.replace_planned(
                driver,
                workspace_id,
                booking_ids=[one.booking_id for one in batch if one.booking_id is not None],
                planned=batch,
            )


def _reminder(number: int) -> Delivery:
    now = datetime.now(UTC)
    due_at = now + _AHEAD + timedelta(seconds=number)
    return Delivery(
        booking_id=uuid4(),
        event_id=uuid4(),
        key=f"reminder:moved-{number}:lead-{number}@customer.example:86400",
        destination="email",
        kind="reminder",
        recipient=f"lead-{number}@customer.example",
        booking_version=1,
        decided_at=now,
        due_at=due_at,
        expires_at=due_at + timedelta(days=1),
        state="scheduled",
        because=None,
        details={"before_seconds": 86_400},
        simulated=False,
    )
