"""The projection worker: it is notified, it takes over, and a failing event delays only its own booking (IN5)."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import system_clock
from showup.container import build_projection_worker, event_handlers
from showup.database.engine import driver_connection, transaction
from showup.inbox import store
from showup.inbox.apply import apply_pending
from showup.inbox.inbox_event import IncomingEvent
from showup.inbox.replay import replay_event
from tests.histories.table_contents import new_account
from tests.histories.webhooks import MONDAY, body, payload

START_TIME = MONDAY + timedelta(days=2)


def booking_created(uid: str, number: int) -> bytes:
    return body("BOOKING_CREATED", MONDAY, payload(uid, number, START_TIME, [f"{uid}@acme.example"]))


async def store_bodies(engine: AsyncEngine, account: UUID, workspace: UUID, *bodies: bytes) -> list[UUID]:
    async with transaction(engine) as tx:
        incoming = [
            IncomingEvent(account_id=account, workspace_id=workspace, body=body_bytes, received_at=system_clock())
            for body_bytes in bodies
        ]
        return [body_bytes.id for body_bytes in await store.insert_events(await driver_connection(tx), incoming)]


async def states(engine: AsyncEngine) -> list[tuple[str, int]]:
    async with transaction(engine) as tx:
        rows = await (await driver_connection(tx)).fetch(
            "SELECT state, attempts FROM inbox_events ORDER BY received_at, id"
        )
        return [(row["state"], row["attempts"]) for row in rows]


async def add_poison_constraint(engine: AsyncEngine) -> None:
    """Make PostgreSQL refuse every booking with the uid `poison`."""
    async with transaction(engine) as tx:
        connection = await driver_connection(tx)
        await connection.execute("ALTER TABLE bookings ADD CONSTRAINT poison CHECK (calcom_uid <> 'poison')")


async def drop_poison_constraint(engine: AsyncEngine) -> None:
    async with transaction(engine) as tx:
        await (await driver_connection(tx)).execute("ALTER TABLE bookings DROP CONSTRAINT poison")


async def test_only_a_failing_event_leaves_its_batch_and_is_retried(
    engine: AsyncEngine, account: UUID, workspace: UUID
) -> None:
    await add_poison_constraint(engine)
    await store_bodies(
        engine, account, workspace, booking_created("a", 1), booking_created("poison", 2), booking_created("b", 3)
    )
    await build_projection_worker(engine, system_clock).drain()
    assert await states(engine) == [("applied", 0), ("failed", 1), ("applied", 0)]

    await drop_poison_constraint(engine)
    assert await apply_pending(engine, workspace, system_clock, event_handlers()) == 0, "the retry is not due yet"
    assert await apply_pending(engine, workspace, lambda: system_clock() + timedelta(seconds=6), event_handlers()) == 1
    assert await states(engine) == [("applied", 0), ("applied", 1), ("applied", 0)]


async def test_the_retry_delay_grows_with_each_failure(engine: AsyncEngine, account: UUID, workspace: UUID) -> None:
    await add_poison_constraint(engine)
    await store_bodies(engine, account, workspace, booking_created("poison", 2))
    later = system_clock()
    for attempt in range(1, 4):
        assert await apply_pending(engine, workspace, lambda: later, event_handlers()) == 1  # noqa: B023  # called at once
        assert await states(engine) == [("failed", attempt)]
        assert await apply_pending(engine, workspace, lambda: later + timedelta(seconds=3.9), event_handlers()) == 0  # noqa: B023
        later += timedelta(hours=2)


@pytest.mark.parametrize("attempts", [44, 30_000])
async def test_the_retry_delay_is_at_most_an_hour(
    engine: AsyncEngine, account: UUID, workspace: UUID, attempts: int
) -> None:
    await add_poison_constraint(engine)
    await store_bodies(engine, account, workspace, booking_created("poison", 2))
    async with transaction(engine) as tx:
        await (await driver_connection(tx)).execute("UPDATE inbox_events SET attempts = $1", attempts)
    now = system_clock()
    assert await apply_pending(engine, workspace, lambda: now, event_handlers()) == 1
    async with transaction(engine) as tx:
        next_try_at = await (await driver_connection(tx)).fetchval("SELECT next_try_at FROM inbox_events")
    assert timedelta(minutes=48) <= next_try_at - now <= timedelta(hours=1)


async def test_retry_times_have_jitter(engine: AsyncEngine, account: UUID, workspace: UUID) -> None:
    stored = await store_bodies(
        engine, account, workspace, *(booking_created(f"u{number}", number) for number in range(20))
    )
    now = system_clock()
    async with transaction(engine) as tx:
        connection = await driver_connection(tx)
        for stored_id in stored:
            await store.schedule_retry(connection, stored_id, "for a test", now)
        times = await connection.fetch("SELECT next_try_at FROM inbox_events")
    waits = {row["next_try_at"] - now for row in times}
    assert len(waits) > 10
    assert timedelta(seconds=4) <= min(waits) <= max(waits) <= timedelta(seconds=5)


async def test_a_stored_failure_has_no_personal_data(engine: AsyncEngine, account: UUID, workspace: UUID) -> None:
    await add_poison_constraint(engine)
    await store_bodies(engine, account, workspace, booking_created("poison", 2))
    await build_projection_worker(engine, system_clock).drain()
    async with transaction(engine) as tx:
        because = await (await driver_connection(tx)).fetchval("SELECT because FROM inbox_events")
    assert because == "Showup could not apply the event: CheckViolationError (23514, table bookings, constraint poison)"


async def test_an_event_replayed_too_late_sends_nothing(engine: AsyncEngine, account: UUID, workspace: UUID) -> None:
    """PI13: the event was recent when it arrived, but unreadable until a fix months later."""
    long_ago = system_clock() - timedelta(days=90)
    start = long_ago + timedelta(days=5)
    fresh_then = body("BOOKING_CREATED", long_ago, payload("late", 1, start, ["sarah@acme.example"]))
    async with transaction(engine) as tx:
        connection = await driver_connection(tx)
        incoming = IncomingEvent(account_id=account, workspace_id=workspace, body=fresh_then, received_at=long_ago)
        (stored,) = await store.insert_events(connection, [incoming])
        await connection.execute("UPDATE inbox_events SET state = 'unreadable'")
    async with transaction(engine) as tx:
        assert await replay_event(tx, stored.id)
    await build_projection_worker(engine, system_clock).drain()
    async with transaction(engine) as tx:
        connection = await driver_connection(tx)
        assert await connection.fetchval("SELECT count(*) FROM bookings") == 1
        assert await connection.fetchval("SELECT count(*) FROM deliveries") == 0


async def test_a_blocked_workspace_never_blocks_others(engine: AsyncEngine, account: UUID, workspace: UUID) -> None:
    """One workspace's rules are locked longer than the lock timeout; the events of the other are applied."""
    other = await new_account(engine)
    assert other.workspace_id is not None
    await store_bodies(engine, account, workspace, booking_created("a", 1))
    await store_bodies(engine, other.account_id, other.workspace_id, booking_created("b", 2))
    async with transaction(engine) as tx:
        connection = await driver_connection(tx)
        await connection.execute("UPDATE workspaces SET name = 'held' WHERE id = $1", workspace)
        worker = build_projection_worker(engine, system_clock)
        database = await connection.fetchval("SELECT quote_ident(current_database())")
        async with transaction(engine) as second_tx:
            await (await driver_connection(second_tx)).execute(f"ALTER DATABASE {database} SET lock_timeout = '200ms'")
        await engine.dispose(close=False)
        assert await worker.drain_once() == 1
    assert sorted(state for state, _ in await states(engine)) == ["applied", "pending"]


async def test_an_event_can_be_replayed_manually(engine: AsyncEngine, account: UUID, workspace: UUID) -> None:
    await add_poison_constraint(engine)
    failed, applied, unreadable = await store_bodies(
        engine, account, workspace, booking_created("poison", 2), booking_created("a", 1), b"false"
    )
    await build_projection_worker(engine, system_clock).drain()
    await drop_poison_constraint(engine)
    async with transaction(engine) as tx:
        assert [await replay_event(tx, event_id) for event_id in (failed, applied, unreadable)] == [True, False, True]
    await build_projection_worker(engine, system_clock).drain()
    assert [state for state, _ in await states(engine)] == ["applied", "applied", "unreadable"]


async def test_a_workspace_has_one_worker_at_a_time(engine: AsyncEngine, account: UUID, workspace: UUID) -> None:
    await store_bodies(engine, account, workspace, booking_created("a", 1))
    async with transaction(engine) as tx:
        key = int.from_bytes(workspace.bytes[:8], signed=True)
        await (await driver_connection(tx)).execute("SELECT pg_advisory_xact_lock($1)", key)
        assert await apply_pending(engine, workspace, system_clock, event_handlers()) == 0
    assert await apply_pending(engine, workspace, system_clock, event_handlers()) == 1


async def test_concurrent_workers_apply_each_event_once(engine: AsyncEngine, account: UUID, workspace: UUID) -> None:
    await store_bodies(engine, account, workspace, *(booking_created(f"u{number}", number) for number in range(200)))
    workers = [build_projection_worker(engine, system_clock) for _ in range(3)]
    await asyncio.gather(*(worker.drain() for worker in workers))
    await workers[0].drain()
    async with transaction(engine) as tx:
        numbers = await (await driver_connection(tx)).fetch("SELECT number FROM inbox_events")
    assert len({row["number"] for row in numbers}) == 200
    assert await states(engine) == [("applied", 0)] * 200


async def test_a_running_worker_is_notified_of_new_events(engine: AsyncEngine, account: UUID, workspace: UUID) -> None:
    stop = asyncio.Event()
    worker_task = asyncio.create_task(build_projection_worker(engine, system_clock).run(stop))
    await store_bodies(engine, account, workspace, booking_created("a", 1))
    async with asyncio.timeout(20):
        while await states(engine) != [("applied", 0)]:  # noqa: ASYNC110  # PostgreSQL's state has no event to wait for
            await asyncio.sleep(0.01)
    stop.set()
    await asyncio.wait_for(worker_task, 5)


async def test_s07_a_long_batch_of_one_workspace_delays_no_other(
    engine: AsyncEngine, account: UUID, workspace: UUID
) -> None:
    """One workspace's batch waits for a lock, as behind a long replay; an event of another is applied meanwhile."""
    other = await new_account(engine)
    assert other.workspace_id is not None
    assert other.account_id is not None
    await store_bodies(engine, account, workspace, *(booking_created(f"a{number}", number) for number in range(30)))
    stop = asyncio.Event()
    async with transaction(engine) as tx:
        await (await driver_connection(tx)).execute("SELECT FROM workspaces WHERE id = $1 FOR UPDATE", workspace)
        running = asyncio.create_task(build_projection_worker(engine, system_clock).run(stop))
        await asyncio.sleep(0.5)
        await store_bodies(engine, other.account_id, other.workspace_id, booking_created("b", 1))
        await wait_for_state(engine, other.workspace_id, "applied", within=5)
        assert await count_of(engine, workspace, "applied") == 0, "the lock holds this one up"
    await wait_for_state(engine, workspace, "applied", within=20)
    stop.set()
    await asyncio.wait_for(running, 20)
    assert await count_of(engine, workspace, "applied") == 30


async def count_of(engine: AsyncEngine, workspace: UUID, state: str) -> int:
    async with transaction(engine) as tx:
        found: int = await (await driver_connection(tx)).fetchval(
            "SELECT count(*) FROM inbox_events WHERE workspace_id = $1 AND state = $2", workspace, state
        )
    return found


async def wait_for_state(engine: AsyncEngine, workspace: UUID, state: str, *, within: float) -> None:
    async with asyncio.timeout(within):
        while not await count_of(engine, workspace, state):  # noqa: ASYNC110 - another task changes the database
            await asyncio.sleep(0.02)
