"""TE8: an endpoint that fails or is gone is paused, and resumed by a person."""

import asyncio
from datetime import timedelta
from uuid import uuid4

from msgspec.structs import replace

from showup.connections import endpoint_registration, endpoints_store
from showup.connections.endpoint import Endpoint, destination_of
from showup.database.engine import driver_connection, transaction
from showup.dispatch import manual_actions, queue_store
from showup.dispatch.notices import PAUSED
from showup.outbox.delivery import DestinationQueue
from tests.deliveries.endpoints.scenario import TEAM, EndpointScenario, booked, cancelled, subscribe
from tests.deliveries.scenario import SEAL
from tests.destinations.fake_vendors.webhook import FakeWebhookReceiver
from tests.histories.webhooks import MONDAY


async def test_a_rate_limited_endpoint_is_paused_until_retry_after(
    scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver
) -> None:
    await scenario.receive(booked())
    fake_webhook.faults.queue("429")
    await scenario.deliver_due()
    await scenario.deliver_due(seconds=100)
    assert len(fake_webhook.requests) == 1
    await scenario.deliver_due(seconds=21)
    assert fake_webhook.types == ["booking.created"]


async def test_an_endpoint_that_is_gone_is_paused_and_subscribers_are_notified(
    scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver
) -> None:
    await subscribe(scenario, TEAM, PAUSED)
    await scenario.receive(booked())
    fake_webhook.faults.queue("410")
    await scenario.deliver_due()
    endpoint = await scenario.endpoint()
    assert endpoint.paused_at == scenario.now
    assert endpoint.because is not None
    assert "410" in endpoint.because
    (notification,) = await scenario.rows(kind=PAUSED)
    assert notification["destination"] == TEAM
    assert notification["details"] == {"destination": scenario.queue.destination, "because": endpoint.because}
    for _ in range(3):
        await scenario.deliver_due(hours=1)
    assert len(fake_webhook.requests) == 1
    assert (await scenario.row("booking.created"))["state"] == "scheduled"


async def test_waiting_deliveries_are_sent_when_the_endpoint_is_resumed(
    scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver
) -> None:
    await scenario.receive(booked())
    fake_webhook.faults.queue("410")
    await scenario.deliver_due()
    await scenario.receive(cancelled())
    await scenario.deliver_due(hours=1)
    await scenario.change(paused=False)
    await scenario.deliver_due(minutes=1)
    assert fake_webhook.types == ["booking.created", "booking.cancelled"]
    assert (await scenario.endpoint()).paused_at is None


async def test_deliveries_expire_while_the_endpoint_is_paused(
    scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver
) -> None:
    await scenario.change(paused=True)
    await scenario.receive(booked())
    await scenario.deliver_due(days=8)
    row = await scenario.row("booking.created")
    assert (row["state"], fake_webhook.requests) == ("skipped", [])
    assert "too late" in row["because"]


async def test_an_endpoint_that_fails_for_a_day_is_paused(
    scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver
) -> None:
    await subscribe(scenario, TEAM, PAUSED)
    await scenario.receive(booked())
    fake_webhook.stop()
    await scenario.deliver_due()
    for _ in range(23):
        await scenario.deliver_due(hours=1)
    assert (await scenario.endpoint()).paused_at is None
    for _ in range(2):
        await scenario.deliver_due(hours=1)
    endpoint = await scenario.endpoint()
    assert endpoint.because is not None
    assert "no delivery succeeded since 2026-09-07 09:00" in endpoint.because
    assert len(await scenario.rows(kind=PAUSED)) == 1
    fake_webhook.start()
    await scenario.change(paused=False)
    await scenario.deliver_due(minutes=1)
    assert fake_webhook.types == ["booking.created"], "the waiting delivery did not fail"


async def test_an_endpoint_that_accepted_a_delivery_is_not_paused(
    scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver
) -> None:
    await scenario.receive(booked())
    fake_webhook.stop()
    await scenario.deliver_due()
    await scenario.deliver_due(hours=20)
    fake_webhook.start()
    await scenario.deliver_due(hours=3)
    fake_webhook.stop()
    await scenario.receive(cancelled())
    await scenario.deliver_due(hours=3)
    assert (await scenario.endpoint()).paused_at is None


async def test_an_idle_endpoint_is_tried_before_it_is_paused(
    scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver
) -> None:
    await scenario.receive(booked())
    fake_webhook.faults.queue("500")
    await scenario.deliver_due()
    async with transaction(scenario.engine) as tx:
        row = await scenario.row("booking.created")
        assert await manual_actions.withdraw(await driver_connection(tx), row["id"], "key:ops", scenario.now) is None
    scenario.now = MONDAY + timedelta(days=2)
    await scenario.receive(cancelled(later=2 * 24 * 3600))
    await scenario.deliver_due(minutes=1)
    assert ((await scenario.endpoint()).paused_at, fake_webhook.types) == (None, ["booking.cancelled"])


async def test_a_paused_endpoint_blocks_no_other(scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver) -> None:
    other = uuid4()
    endpoint = Endpoint(id=other, workspace_id=scenario.workspace, url=fake_webhook.url, kinds=("booking.created",))
    async with transaction(scenario.engine) as tx:
        fake_webhook.secret = await endpoint_registration.register(
            await driver_connection(tx), SEAL, endpoint, scenario.now
        )
    await scenario.change(paused=True)
    scenario.now += timedelta(seconds=1)
    await scenario.receive(booked())
    await scenario.deliver_due()
    scenario.queue = DestinationQueue(workspace_id=scenario.workspace, destination=destination_of(other))
    await scenario.deliver_due()
    assert fake_webhook.types == ["booking.created"]


async def test_a_new_url_is_tried_at_once(scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver) -> None:
    await scenario.change(url="http://127.0.0.1:1/")
    await scenario.receive(booked())
    for _ in range(6):
        await scenario.deliver_due(minutes=10)
    assert (await scenario.queue_state())["failing_since"] is not None
    await scenario.change(url=fake_webhook.url)
    assert (await scenario.queue_state())["failing_since"] is None
    await scenario.deliver_due(hours=3)
    assert fake_webhook.types == ["booking.created"]


async def test_pause_reports_a_change_once(scenario: EndpointScenario) -> None:
    async with transaction(scenario.engine) as tx:
        connection = await driver_connection(tx)
        until = scenario.now + timedelta(minutes=1)
        assert [await queue_store.pause(connection, scenario.queue, until, reason) for reason in ("a", "a", "b")] == [
            *(True, False, True)
        ]


async def test_an_empty_change_changes_nothing(scenario: EndpointScenario) -> None:
    before = await scenario.endpoint()
    await scenario.change(paused=False, kinds=before.kinds)
    assert await scenario.endpoint() == before
    await scenario.change(paused=True)
    paused = await scenario.endpoint()
    scenario.now += timedelta(hours=1)
    await scenario.change(paused=True, description="ours")
    assert await scenario.endpoint() == replace(paused, description="ours")


async def test_changing_and_pausing_an_endpoint_do_not_deadlock(
    scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver
) -> None:
    fake_webhook.faults.queue("410")
    await scenario.receive(booked())
    async with transaction(scenario.engine) as tx:
        connection = await driver_connection(tx)
        locked = await endpoints_store.find(connection, scenario.workspace, scenario.id, lock=True)
        assert locked is not None
        await asyncio.wait_for(scenario.deliver_due(), 10)
        await endpoint_registration.change(
            connection, locked, {"url": f"{fake_webhook.url}/new"}, "key:ops", scenario.now
        )
    assert (await scenario.endpoint()).paused_at is None, "the change wins over the pause"
