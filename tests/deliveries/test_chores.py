"""What a worker does beside deliveries, every so often."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from showup.clock import system_clock
from showup.database.address import own_arguments
from showup.deliveries.worker import POOL_SIZE, Chore, Worker
from tests.deliveries.post import Post

EVERY_SECOND = "* * * * * *"


@pytest.fixture
def post_now(post: Post) -> Post:
    post.now = system_clock()
    return post


@asynccontextmanager
async def working(post: Post, database_url: str, *chores: Chore) -> AsyncIterator[None]:
    stop = asyncio.Event()
    async with asyncpg.create_pool(**own_arguments(database_url), min_size=1, max_size=POOL_SIZE) as pool:
        worker = Worker(post.engine, post.clock, post.courier(), pool, chores=chores)
        running = asyncio.create_task(worker.run(stop))
        try:
            yield
        finally:
            stop.set()
            await asyncio.wait_for(running, 20)


async def test_a_chore_is_done_and_one_that_fails_ends_nothing(post_now: Post, database_url: str) -> None:
    done = asyncio.Event()
    failures = 0

    async def fail() -> None:
        nonlocal failures
        failures += 1
        if failures == 2:
            done.set()
        raise LookupError("it was not there")

    async with working(post_now, database_url, Chore(name="fail", cron=EVERY_SECOND, do=fail)):
        await asyncio.wait_for(done.wait(), 30)


async def test_a_chore_that_takes_long_is_not_begun_twice_and_ends_with_the_worker(
    post_now: Post, database_url: str
) -> None:
    begun: list[str] = []
    ended: list[str] = []
    looked = asyncio.Event()

    async def long() -> None:
        begun.append("long")
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("long")

    async def look() -> None:
        begun.append("look")
        if begun.count("look") == 3 and "long" in begun:
            looked.set()

    chores = (Chore(name="long", cron=EVERY_SECOND, do=long), Chore(name="look", cron=EVERY_SECOND, do=look))
    async with working(post_now, database_url, *chores):
        await asyncio.wait_for(looked.wait(), 30)
    assert begun.count("long") == 1
    assert ended == ["long"]
