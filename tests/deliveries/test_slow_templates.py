"""S04, S07: messages are rendered outside of any transaction, so slow templates hold up no other queue."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from threading import Event

import asyncpg
import pytest

from showup.database.engine import driver_connection, transaction
from showup.destinations.contract import Content, Notification
from showup.dispatch.claims import LEASE
from showup.dispatch.preparation import ConnectedQueue
from showup.outbox.delivery import DestinationQueue
from tests.deliveries.scenario import DeliveryScenario, FakeDestination
from tests.deliveries.test_dispatcher import START, booked, cancelled, moved


class SlowDestination(FakeDestination):
    """Its templates take until the test says `finish`, and `began` is set while one renders."""

    def __init__(self) -> None:
        super().__init__()
        self.began, self.finish = asyncio.Event(), Event()
        self.loop = asyncio.get_running_loop()
        self.rendered = 0

    def render(self, notification: Notification) -> Content:
        self.rendered += 1
        self.loop.call_soon_threadsafe(self.began.set)
        assert self.finish.wait(30)
        return super().render(notification)


@pytest.fixture
async def slow(scenario: DeliveryScenario) -> SlowDestination:
    scenario.fake_destination = destination = SlowDestination()
    return destination


@asynccontextmanager
async def rendering(scenario: DeliveryScenario, slow: SlowDestination) -> AsyncIterator[None]:
    """Inside, a mail is being rendered; at the end, it is sent."""
    delivering = asyncio.create_task(scenario.deliver_due())
    try:
        await asyncio.wait_for(slow.began.wait(), 10)
        yield
    finally:
        slow.finish.set()
        await delivering


async def open_transactions(scenario: DeliveryScenario) -> int:
    async with transaction(scenario.engine) as tx:
        connection: asyncpg.Connection = await driver_connection(tx)
        found: int = await connection.fetchval(
            """
            SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()
            AND backend_type = 'client backend'
            """
        )
        return found


async def test_no_transaction_is_open_and_other_queues_go_on(scenario: DeliveryScenario, slow: SlowDestination) -> None:
    await scenario.receive(booked())
    fast = FakeDestination()

    async def resolve(queue: DestinationQueue) -> ConnectedQueue:
        destination = slow if queue.destination == "email" else fast
        return ConnectedQueue(queue=queue, workspace="default", destination=destination)

    scenario.resolve = resolve  # type: ignore[method-assign]  # two destinations in one scenario
    await _copy_to(scenario, "slack")
    async with rendering(scenario, slow):
        assert await open_transactions(scenario) == 0
        slack = DestinationQueue(workspace_id=scenario.workspace, destination="slack")
        await asyncio.wait_for(scenario.dispatcher().drain(slack), 10)
        assert fast.kinds == ["confirmation"]
    assert slow.kinds == ["confirmation"]


@pytest.mark.parametrize("change", [cancelled(), moved(START + timedelta(days=1))], ids=["cancelled", "moved"])
async def test_a_mail_about_a_booking_that_changed_meanwhile_is_not_sent(
    scenario: DeliveryScenario, slow: SlowDestination, change: bytes
) -> None:
    await scenario.receive(booked())
    async with rendering(scenario, slow):
        await scenario.receive(change)
    confirmation = await scenario.row_of("confirmation")
    assert (confirmation["state"], "confirmation" in slow.kinds) == ("withdrawn", False)


async def test_a_process_that_dies_while_it_renders_has_sent_nothing(
    scenario: DeliveryScenario, slow: SlowDestination
) -> None:
    await scenario.receive(booked())
    delivering = asyncio.create_task(scenario.deliver_due())
    await slow.began.wait()
    delivering.cancel()
    slow.finish.set()
    await asyncio.gather(delivering, return_exceptions=True)
    assert slow.sent == []
    scenario.now += LEASE
    await scenario.deliver_due()
    assert (slow.kinds, (await scenario.row_of("confirmation"))["state"]) == (["confirmation"], "delivered")


async def test_another_process_that_claims_it_meanwhile_sends_it_once(
    scenario: DeliveryScenario, slow: SlowDestination
) -> None:
    """The lease ends while the first process renders."""
    await scenario.receive(booked())
    async with rendering(scenario, slow):
        scenario.now += LEASE
        slow.began.clear()
        second = asyncio.create_task(scenario.deliver_due())
        await asyncio.wait_for(slow.began.wait(), 10)
    await second
    assert (slow.rendered, slow.kinds) == (2, ["confirmation"])


async def test_mails_that_would_start_after_their_lease_wait(scenario: DeliveryScenario, slow: SlowDestination) -> None:
    """The lease would end while they are sent."""
    await scenario.receive(booked(), booked("two", 2))
    async with rendering(scenario, slow):
        scenario.now += LEASE - slow.pace.timeout
    assert (slow.rendered, slow.kinds) == (2, ["confirmation", "confirmation"])
    attempts = [await scenario.attempts(row["id"]) for row in await scenario.rows(kind="confirmation")]
    late = ("stopped", "other messages of the queue took long to render")
    assert sorted(attempts, key=len) == [[("delivered", None)], [late, ("delivered", None)]]


async def _copy_to(scenario: DeliveryScenario, destination: str) -> None:
    """Adds a delivery to another destination, like the confirmation."""
    async with transaction(scenario.engine) as tx:
        connection = await driver_connection(tx)
        await connection.execute(
            """
            INSERT INTO deliveries SELECT (jsonb_populate_record(d, jsonb_build_object(
                'id', gen_random_uuid(), 'destination', $1::text, 'key', 'copy'))).*
            FROM deliveries d WHERE kind = 'confirmation'
            """,
            destination,
        )
