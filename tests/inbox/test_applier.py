"""The applier: it is called, it takes over, and what fails on it holds up nobody but its own story (IN5)."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import system_clock
from showup.database.engine import raw, transaction
from showup.inbox import store
from showup.inbox.applier import Applier
from showup.inbox.apply import apply_some
from showup.inbox.raw_event import Incoming
from showup.inbox.replay import replay
from tests.stories.tables import new_account
from tests.stories.webhooks import MONDAY, body, payload

START = MONDAY + timedelta(days=2)


def made(uid: str, number: int) -> bytes:
    return body("BOOKING_CREATED", MONDAY, payload(uid, number, START, [f"{uid}@acme.example"]))


async def keep(engine: AsyncEngine, account: UUID, workspace: UUID, *bodies: bytes) -> list[UUID]:
    async with transaction(engine) as tx:
        incoming = [
            Incoming(account_id=account, workspace_id=workspace, body=one, received_at=system_clock()) for one in bodies
        ]
        return [one.id for one in await store.keep_all(await raw(tx), incoming)]


async def states(engine: AsyncEngine) -> list[tuple[str, int]]:
    async with transaction(engine) as tx:
        rows = await (await raw(tx)).fetch("SELECT state, attempts FROM calcom_events ORDER BY received_at, id")
        return [(row["state"], row["attempts"]) for row in rows]


async def poison(engine: AsyncEngine) -> None:
    """PostgreSQL itself refuses every booking with this uid."""
    async with transaction(engine) as tx:
        connection = await raw(tx)
        await connection.execute("ALTER TABLE bookings ADD CONSTRAINT poison CHECK (calcom_uid <> 'poison')")


async def cure(engine: AsyncEngine) -> None:
    async with transaction(engine) as tx:
        await (await raw(tx)).execute("ALTER TABLE bookings DROP CONSTRAINT poison")


async def test_what_fails_is_set_aside_alone_and_tried_again(
    engine: AsyncEngine, account: UUID, workspace: UUID
) -> None:
    await poison(engine)
    await keep(engine, account, workspace, made("a", 1), made("poison", 2), made("b", 3))
    await Applier(engine, system_clock).drain()
    assert await states(engine) == [("applied", 0), ("failed", 1), ("applied", 0)]

    await cure(engine)
    assert await apply_some(engine, workspace, system_clock) == 0, "its time has not come"
    assert await apply_some(engine, workspace, lambda: system_clock() + timedelta(seconds=6)) == 1
    assert await states(engine) == [("applied", 0), ("applied", 1), ("applied", 0)]


async def test_each_failure_makes_the_wait_longer(engine: AsyncEngine, account: UUID, workspace: UUID) -> None:
    await poison(engine)
    await keep(engine, account, workspace, made("poison", 2))
    later = system_clock()
    for attempt in range(1, 4):
        assert await apply_some(engine, workspace, lambda: later) == 1  # noqa: B023  # called at once
        assert await states(engine) == [("failed", attempt)]
        assert await apply_some(engine, workspace, lambda: later + timedelta(seconds=3.9)) == 0  # noqa: B023
        later += timedelta(hours=2)


@pytest.mark.parametrize("attempts", [44, 30_000])
async def test_however_often_it_failed_it_is_tried_again_within_the_hour(
    engine: AsyncEngine, account: UUID, workspace: UUID, attempts: int
) -> None:
    await poison(engine)
    await keep(engine, account, workspace, made("poison", 2))
    async with transaction(engine) as tx:
        await (await raw(tx)).execute("UPDATE calcom_events SET attempts = $1", attempts)
    now = system_clock()
    assert await apply_some(engine, workspace, lambda: now) == 1
    async with transaction(engine) as tx:
        next_try_at = await (await raw(tx)).fetchval("SELECT next_try_at FROM calcom_events")
    assert timedelta(minutes=48) <= next_try_at - now <= timedelta(hours=1)


async def test_what_failed_together_is_not_all_tried_at_one_moment(
    engine: AsyncEngine, account: UUID, workspace: UUID
) -> None:
    kept = await keep(engine, account, workspace, *(made(f"u{place}", place) for place in range(20)))
    now = system_clock()
    async with transaction(engine) as tx:
        connection = await raw(tx)
        for one in kept:
            await store.set_aside(connection, one, "for a test", now)
        times = await connection.fetch("SELECT next_try_at FROM calcom_events")
    waits = {row["next_try_at"] - now for row in times}
    assert len(waits) > 10
    assert timedelta(seconds=4) <= min(waits) <= max(waits) <= timedelta(seconds=5)


async def test_nobody_is_named_where_a_failure_is_kept(engine: AsyncEngine, account: UUID, workspace: UUID) -> None:
    await poison(engine)
    await keep(engine, account, workspace, made("poison", 2))
    await Applier(engine, system_clock).drain()
    async with transaction(engine) as tx:
        because = await (await raw(tx)).fetchval("SELECT because FROM calcom_events")
    assert because == "Showup failed on it: CheckViolationError (23514, table bookings, constraint poison)"


async def test_news_that_was_run_again_too_late_is_told_to_nobody(
    engine: AsyncEngine, account: UUID, workspace: UUID
) -> None:
    """PI13: it was fresh when it came, and could not be understood until a fix of ours, months later."""
    long_ago = system_clock() - timedelta(days=90)
    start = long_ago + timedelta(days=5)
    fresh_then = body("BOOKING_CREATED", long_ago, payload("late", 1, start, ["sarah@acme.example"]))
    async with transaction(engine) as tx:
        connection = await raw(tx)
        incoming = Incoming(account_id=account, workspace_id=workspace, body=fresh_then, received_at=long_ago)
        (kept,) = await store.keep_all(connection, [incoming])
        await connection.execute("UPDATE calcom_events SET state = 'unreadable'")
    async with transaction(engine) as tx:
        assert await replay(tx, kept.id)
    await Applier(engine, system_clock).drain()
    async with transaction(engine) as tx:
        connection = await raw(tx)
        assert await connection.fetchval("SELECT count(*) FROM bookings") == 1
        assert await connection.fetchval("SELECT count(*) FROM deliveries") == 0


async def test_one_workspace_that_can_not_be_worked_on_stops_no_other(
    engine: AsyncEngine, account: UUID, workspace: UUID
) -> None:
    """Its rules are locked away for longer than a statement may take; the other's events are applied."""
    other = await new_account(engine)
    assert other.workspace_id is not None
    await keep(engine, account, workspace, made("a", 1))
    await keep(engine, other.account_id, other.workspace_id, made("b", 2))
    async with transaction(engine) as tx:
        connection = await raw(tx)
        await connection.execute("UPDATE workspaces SET name = 'held' WHERE id = $1", workspace)
        impatient = Applier(engine, system_clock)
        database = await connection.fetchval("SELECT quote_ident(current_database())")
        async with transaction(engine) as also:
            await (await raw(also)).execute(f"ALTER DATABASE {database} SET lock_timeout = '200ms'")
        await engine.dispose(close=False)
        assert await impatient.drain_once() == 1
    assert sorted(state for state, _ in await states(engine)) == ["applied", "kept"]


async def test_an_event_can_be_run_again_by_hand(engine: AsyncEngine, account: UUID, workspace: UUID) -> None:
    await poison(engine)
    bad, good, odd = await keep(engine, account, workspace, made("poison", 2), made("a", 1), b"false")
    await Applier(engine, system_clock).drain()
    await cure(engine)
    async with transaction(engine) as tx:
        assert [await replay(tx, one) for one in (bad, good, odd)] == [True, False, True]
    await Applier(engine, system_clock).drain()
    assert [state for state, _ in await states(engine)] == ["applied", "applied", "unreadable"]


async def test_a_workspace_has_one_applier_at_a_time(engine: AsyncEngine, account: UUID, workspace: UUID) -> None:
    await keep(engine, account, workspace, made("a", 1))
    async with transaction(engine) as tx:
        key = int.from_bytes(workspace.bytes[:8], signed=True)
        await (await raw(tx)).execute("SELECT pg_advisory_xact_lock($1)", key)
        assert await apply_some(engine, workspace, system_clock) == 0
    assert await apply_some(engine, workspace, system_clock) == 1


async def test_many_appliers_apply_each_event_once(engine: AsyncEngine, account: UUID, workspace: UUID) -> None:
    await keep(engine, account, workspace, *(made(f"u{place}", place) for place in range(200)))
    workers = [Applier(engine, system_clock) for _ in range(3)]
    await asyncio.gather(*(worker.drain() for worker in workers))
    await workers[0].drain()
    async with transaction(engine) as tx:
        numbers = await (await raw(tx)).fetch("SELECT number FROM calcom_events")
    assert len({row["number"] for row in numbers}) == 200
    assert await states(engine) == [("applied", 0)] * 200


async def test_a_running_applier_is_called_when_something_is_kept(
    engine: AsyncEngine, account: UUID, workspace: UUID
) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(Applier(engine, system_clock).run(stop))
    await keep(engine, account, workspace, made("a", 1))
    async with asyncio.timeout(20):
        while await states(engine) != [("applied", 0)]:  # noqa: ASYNC110  # PostgreSQL's state has no event to wait for
            await asyncio.sleep(0.01)
    stop.set()
    await asyncio.wait_for(running, 5)
