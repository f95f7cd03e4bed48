"""Fixtures: a fake Cal.com, and Showup instances that each have their own database."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TypeAlias

import httpx2
import pytest

from showup.database.engine import connect
from tests.database_pool import DatabasePool
from tests.fake_calcom.server import FakeCalcom
from tests.fake_calcom.world import World
from tests.reconcile.showup_instance import ShowupInstance

OpenShowup: TypeAlias = Callable[[], Awaitable[ShowupInstance]]


@pytest.fixture
def world() -> World:
    return World(seed=1)


@pytest.fixture
async def fake_calcom(world: World) -> AsyncIterator[FakeCalcom]:
    with FakeCalcom(world) as fake_calcom:
        yield fake_calcom


@pytest.fixture
async def open_showup(database_pool: DatabasePool, world: World, fake_calcom: FakeCalcom) -> AsyncIterator[OpenShowup]:
    """Returns a function that opens one more Showup instance."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx2.AsyncClient())

        async def open_one() -> ShowupInstance:
            url = await stack.enter_async_context(database_pool.database())
            engine = connect(url, pool_size=6)
            stack.push_async_callback(engine.dispose)
            return await ShowupInstance(url, engine, fake_calcom, world.clock, client).open()

        yield open_one


@pytest.fixture
async def showup(open_showup: OpenShowup) -> ShowupInstance:
    return await open_showup()
