"""How fast reminders are moved when their meetings are: rewritten in batches, as whoever applies events does it."""

from datetime import UTC, datetime, timedelta
from time import perf_counter
from uuid import UUID, uuid4

import asyncpg
from msgspec.structs import replace

from benchmarks.scene import Row
from showup.deliveries import store
from showup.deliveries.delivery import Delivery

_BATCH = 500
_AHEAD = timedelta(days=3)


async def moved(driver: asyncpg.Connection, what: str, count: int) -> Row:
    """As many bookings, a reminder each, all an hour later than they were."""
    workspace_id = await driver.fetchval("SELECT id FROM workspaces")
    standing = [_reminder(number) for number in range(count)]
    await _rewrite(driver, workspace_id, standing)
    await driver.execute("VACUUM ANALYZE deliveries")
    later = [replace(one, due_at=one.due_at + timedelta(hours=1), booking_version=2) for one in standing]
    begun = perf_counter()
    await _rewrite(driver, workspace_id, later)
    return Row(what=what, times=count, per_second=count / (perf_counter() - begun))


async def _rewrite(driver: asyncpg.Connection, workspace_id: UUID, wanted: list[Delivery]) -> None:
    for first in range(0, len(wanted), _BATCH):
        some = wanted[first : first + _BATCH]
        async with driver.transaction():
            await store.rewrite(driver, workspace_id, booking_ids=[one.booking_id for one in some], wanted=some)


def _reminder(number: int) -> Delivery:
    now = datetime.now(UTC)
    due_at = now + _AHEAD + timedelta(seconds=number)
    return Delivery(
        booking_id=uuid4(),
        event_id=uuid4(),
        key=f"remind:moved-{number}:lead-{number}@customer.example:86400",
        destination="email",
        kind="remind",
        recipient=f"lead-{number}@customer.example",
        booking_version=1,
        decided_at=now,
        due_at=due_at,
        expires_at=due_at + timedelta(days=1),
        priority=20,
        state="scheduled",
        because=None,
        details={"before_seconds": 86_400},
        simulated=False,
    )
