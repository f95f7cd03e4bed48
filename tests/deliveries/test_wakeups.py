"""TE4, TE10: near deliveries get a wake-up in the same transaction, and the sweep finds missing wake-ups."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from showup.clock import system_clock
from showup.database.address import asyncpg_arguments
from showup.database.engine import driver_connection, transaction
from showup.dispatch.worker import POOL_SIZE, Worker, sweep
from showup.outbox.delivery import WakeUp
from showup.outbox.wakeups import LOOKAHEAD, queues_of_job, wake
from tests.deliveries.scenario import DeliveryScenario
from tests.histories.webhooks import body, payload


async def pending_jobs(scenario: DeliveryScenario) -> list[dict[str, Any]]:
    async with transaction(scenario.engine) as tx:
        rows = await (await driver_connection(tx)).fetch(
            "SELECT *, execute_after - now() AS due_in FROM pgqueuer ORDER BY id"
        )
    return [dict(row) for row in rows]


async def receive_booking(scenario: DeliveryScenario, uid: str = "one", days: float = 5) -> None:
    start = scenario.now + timedelta(days=days)
    await scenario.receive(body("BOOKING_CREATED", scenario.now, payload(uid, 1, start, [f"{uid}@acme.example"])))


async def test_only_deliveries_due_soon_have_a_job(scenario: DeliveryScenario) -> None:
    await receive_booking(scenario)
    assert [queues_of_job(job["payload"]) for job in await pending_jobs(scenario)] == [[scenario.queue]]
    assert len(await scenario.rows(kind="reminder")) == 3


async def test_a_rolled_back_transaction_enqueues_no_job(scenario: DeliveryScenario) -> None:
    async def fails() -> None:
        async with transaction(scenario.engine) as tx:
            await wake(
                await driver_connection(tx),
                scenario.workspace,
                [WakeUp(destination="email", at=scenario.now)],
                scenario.now,
            )
            raise RuntimeError("taken back")

    with pytest.raises(RuntimeError, match="taken back"):
        await fails()
    assert await pending_jobs(scenario) == []


async def test_the_sweep_enqueues_one_job_at_the_due_time(scenario: DeliveryScenario) -> None:
    await receive_booking(scenario)
    await scenario.deliver_due()
    async with transaction(scenario.engine) as tx:
        await tx.execute(text("DELETE FROM pgqueuer"))
    scenario.now = (await scenario.rows(kind="reminder"))[0]["due_at"] - LOOKAHEAD - timedelta(seconds=1)
    for later, expected in ((0, 0), (2, 1), (10, 1)):
        scenario.now += timedelta(seconds=later)
        async with transaction(scenario.engine) as tx:
            await sweep(await driver_connection(tx), scenario.now)
        assert len(await pending_jobs(scenario)) == expected
    (job,) = await pending_jobs(scenario)
    assert timedelta(0) < job["due_in"] <= LOOKAHEAD + timedelta(seconds=1)


async def test_the_sweep_replaces_a_lost_job(scenario: DeliveryScenario) -> None:
    await receive_booking(scenario)
    async with transaction(scenario.engine) as tx:
        await tx.execute(text("DELETE FROM pgqueuer"))
        await sweep(await driver_connection(tx), scenario.now)
    assert [queues_of_job(job["payload"]) for job in await pending_jobs(scenario)] == [[scenario.queue]]


@pytest.mark.parametrize("pooled", ["", "&pgbouncer=true"])
async def test_a_worker_sends_overdue_and_new_deliveries(
    scenario: DeliveryScenario, database_url: str, pooled: str
) -> None:
    """RU2: with real jobs and the machine's own clock, and also with the URL of a pooler."""
    scenario.now = system_clock()
    await receive_booking(scenario, "before")
    stop = asyncio.Event()
    async with asyncpg.create_pool(**asyncpg_arguments(database_url + pooled), min_size=1, max_size=POOL_SIZE) as pool:
        worker = Worker(scenario.engine, scenario.clock, scenario.dispatcher(), pool)
        running = asyncio.create_task(worker.run(stop))
        await wait_for_sent(scenario, 1)
        await receive_booking(scenario, "after")
        await wait_for_sent(scenario, 2)
        stop.set()
        await asyncio.wait_for(running, 20)
    assert Counter(content["to"] for _, content in scenario.fake_destination.sent) == {
        "before@acme.example": 1,
        "after@acme.example": 1,
    }


async def wait_for_sent(scenario: DeliveryScenario, count: int) -> None:
    async with asyncio.timeout(20):
        while len(scenario.fake_destination.sent) < count:
            scenario.fake_destination.was_called.clear()
            await scenario.fake_destination.was_called.wait()
