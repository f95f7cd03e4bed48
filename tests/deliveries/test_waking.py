"""Wake-ups: in the transaction that made them necessary, for what is near, and found again by the sweep (TE4, TE10)."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from showup.clock import system_clock
from showup.database.address import own_arguments
from showup.database.engine import raw, transaction
from showup.deliveries.delivery import Wake
from showup.deliveries.sweep import sweep
from showup.deliveries.waking import SOON, lane_of, wake
from showup.deliveries.worker import POOL_SIZE, Worker
from tests.deliveries.post import Post
from tests.stories.webhooks import body, payload


async def jobs(post: Post) -> list[dict[str, Any]]:
    async with transaction(post.engine) as tx:
        rows = await (await raw(tx)).fetch("SELECT *, execute_after - now() AS due_in FROM pgqueuer ORDER BY id")
    return [dict(row) for row in rows]


async def booked(post: Post, uid: str = "one", days: float = 5) -> None:
    start = post.now + timedelta(days=days)
    await post.hear(body("BOOKING_CREATED", post.now, payload(uid, 1, start, [f"{uid}@acme.example"])))


async def test_what_is_due_has_its_job_and_what_is_far_ahead_has_none(post: Post) -> None:
    await booked(post)
    assert [lane_of(job["payload"]) for job in await jobs(post)] == [post.lane]
    assert len(await post.rows(kind="remind")) == 3


async def test_a_transaction_that_fails_wakes_nobody(post: Post) -> None:
    async def fails() -> None:
        async with transaction(post.engine) as tx:
            await wake(await raw(tx), post.workspace, [Wake(destination="email", at=post.now)], post.now)
            raise RuntimeError("taken back")

    with pytest.raises(RuntimeError, match="taken back"):
        await fails()
    assert await jobs(post) == []


async def test_the_sweep_wakes_at_the_moment_and_only_once(post: Post) -> None:
    await booked(post)
    await post.tell()
    async with transaction(post.engine) as tx:
        await tx.execute(text("DELETE FROM pgqueuer"))
    post.now = (await post.rows(kind="remind"))[0]["due_at"] - SOON - timedelta(seconds=1)
    for later, expected in ((0, 0), (2, 1), (10, 1)):
        post.now += timedelta(seconds=later)
        async with transaction(post.engine) as tx:
            await sweep(await raw(tx), post.now)
        assert len(await jobs(post)) == expected
    (job,) = await jobs(post)
    assert timedelta(0) < job["due_in"] <= SOON + timedelta(seconds=1)


async def test_the_sweep_finds_what_a_lost_job_left(post: Post) -> None:
    await booked(post)
    async with transaction(post.engine) as tx:
        await tx.execute(text("DELETE FROM pgqueuer"))
        await sweep(await raw(tx), post.now)
    assert [lane_of(job["payload"]) for job in await jobs(post)] == [post.lane]


@pytest.mark.parametrize("pooled", ["", "&pgbouncer=true"])
async def test_a_worker_tells_what_was_due_before_it_began_and_what_comes(
    post: Post, database_url: str, pooled: str
) -> None:
    """By real jobs, with the machine's own clock, and with the address of a pooler too (RU2)."""
    post.now = system_clock()
    await booked(post, "before")
    stop = asyncio.Event()
    async with asyncpg.create_pool(**own_arguments(database_url + pooled), min_size=1, max_size=POOL_SIZE) as pool:
        worker = Worker(post.engine, post.clock, post.courier(), pool)
        running = asyncio.create_task(worker.run(stop))
        await told(post, 1)
        await booked(post, "after")
        await told(post, 2)
        stop.set()
        await asyncio.wait_for(running, 20)
    assert Counter(content["to"] for _, content in post.far.heard) == {
        "before@acme.example": 1,
        "after@acme.example": 1,
    }


async def told(post: Post, count: int) -> None:
    async with asyncio.timeout(20):
        while len(post.far.heard) < count:
            post.far.called.clear()
            await post.far.called.wait()
