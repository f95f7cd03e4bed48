"""A loopback Cal.com, and Showups beside it, each with a database of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TypeAlias
from uuid import uuid4

import asyncpg
import httpx2
import pytest

from showup.database.engine import connect
from tests.calcom_far.server import FarCalcom
from tests.calcom_far.world import World
from tests.conftest import TEMPLATE, of_database
from tests.reconcile.stage import Showup

Opening: TypeAlias = Callable[[], Awaitable[Showup]]


@pytest.fixture
def world() -> World:
    return World(seed=1)


@pytest.fixture
async def far(world: World) -> AsyncIterator[FarCalcom]:
    with FarCalcom(world) as far:
        yield far


@pytest.fixture
async def opening(postgres: str, world: World, far: FarCalcom) -> AsyncIterator[Opening]:
    """Opens one more Showup."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx2.AsyncClient())

        async def opened() -> Showup:
            name = f"beside_{uuid4().hex}"
            driver = await asyncpg.connect(postgres)
            await driver.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
            await driver.close()
            url = of_database(postgres, name)
            engine = connect(url, pool_size=6)
            stack.push_async_callback(engine.dispose)
            return await Showup(url, engine, far, world.clock, client).open()

        yield opened


@pytest.fixture
async def showup(opening: Opening) -> Showup:
    return await opening()
