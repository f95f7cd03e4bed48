"""The periodic tasks of a worker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from showup.clock import system_clock
from showup.database.address import asyncpg_arguments
from showup.dispatch.worker import POOL_SIZE, PeriodicTask, Worker
from tests.deliveries.scenario import DeliveryScenario

EVERY_SECOND = "* * * * * *"


@pytest.fixture
def scenario_now(scenario: DeliveryScenario) -> DeliveryScenario:
    scenario.now = system_clock()
    return scenario


@asynccontextmanager
async def running_worker(scenario: DeliveryScenario, database_url: str, *tasks: PeriodicTask) -> AsyncIterator[None]:
    stop = asyncio.Event()
    async with asyncpg.create_pool(**asyncpg_arguments(database_url), min_size=1, max_size=POOL_SIZE) as pool:
        worker = Worker(scenario.engine, scenario.clock, scenario.dispatcher(), pool, periodic_tasks=tasks)
        running = asyncio.create_task(worker.run(stop))
        try:
            yield
        finally:
            stop.set()
            await asyncio.wait_for(running, 20)


async def test_the_worker_survives_a_failing_periodic_task(scenario_now: DeliveryScenario, database_url: str) -> None:
    done = asyncio.Event()
    failures = 0

    async def fail() -> None:
        nonlocal failures
        failures += 1
        if failures == 2:
            done.set()
        raise LookupError("it was not there")

    async with running_worker(scenario_now, database_url, PeriodicTask(name="fail", cron=EVERY_SECOND, run=fail)):
        await asyncio.wait_for(done.wait(), 30)


async def test_a_long_periodic_task_runs_once_at_a_time_and_stops_with_the_worker(
    scenario_now: DeliveryScenario, database_url: str
) -> None:
    begun: list[str] = []
    ended: list[str] = []
    checked = asyncio.Event()

    async def run_long() -> None:
        begun.append("long")
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("long")

    async def check() -> None:
        begun.append("look")
        if begun.count("look") == 3 and "long" in begun:
            checked.set()

    tasks = (
        PeriodicTask(name="long", cron=EVERY_SECOND, run=run_long),
        PeriodicTask(name="look", cron=EVERY_SECOND, run=check),
    )
    async with running_worker(scenario_now, database_url, *tasks):
        await asyncio.wait_for(checked.wait(), 30)
    assert begun.count("long") == 1
    assert ended == ["long"]
