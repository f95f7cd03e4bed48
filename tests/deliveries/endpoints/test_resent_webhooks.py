"""TE8: a delivered webhook that is sent again stays delivered, whatever the result."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.connections import endpoint_registration
from showup.database.engine import driver_connection, transaction
from showup.destinations import public_http
from showup.destinations.public_addresses import AddressPolicy
from showup.dispatch import manual_actions
from tests.deliveries.endpoints.scenario import ANN, START, EndpointScenario, booked, same_for_all
from tests.destinations.fake_vendors.webhook import FakeWebhookReceiver
from tests.histories.webhooks import body, payload


@pytest.fixture
def fake_webhook() -> Iterator[FakeWebhookReceiver]:
    with FakeWebhookReceiver() as server:
        yield server


@pytest.fixture
async def scenario(
    engine: AsyncEngine, workspace: UUID, account: UUID, fake_webhook: FakeWebhookReceiver
) -> AsyncIterator[EndpointScenario]:
    async with public_http.client("1", AddressPolicy(allow_private=True)) as public_client:
        created = EndpointScenario(engine, workspace, account, same_for_all(public_client))
        await created.register(fake_webhook.url, "booking.created")
        created.now += timedelta(seconds=1)
        yield created


async def test_a_failed_resend_stays_delivered(scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver) -> None:
    await scenario.receive(booked())
    await scenario.deliver_due()
    row = await scenario.row("booking.created")
    await scenario.deliver_due(days=30)
    async with transaction(scenario.engine) as tx:
        assert await manual_actions.send_again(await driver_connection(tx), row["id"], scenario.now) is None
    fake_webhook.faults.queue("500")
    await scenario.deliver_due()
    # A replay of its booking meanwhile must not shorten its time to live.
    await scenario.receive(body("MEETING_ENDED", START + timedelta(hours=1), payload("one", 1, START, [ANN])))
    waiting = await scenario.row("booking.created")
    assert (waiting["state"], waiting["expires_at"]) == ("scheduled", scenario.now + timedelta(days=1))
    await scenario.deliver_due(days=1)
    after = await scenario.row("booking.created")
    assert (after["state"], after["delivered_at"]) == ("delivered", row["delivered_at"])


async def test_nothing_is_sent_again_to_a_deleted_endpoint(scenario: EndpointScenario) -> None:
    await scenario.receive(booked())
    await scenario.deliver_due()
    row = await scenario.row("booking.created")
    async with transaction(scenario.engine) as tx:
        connection = await driver_connection(tx)
        await endpoint_registration.delete(connection, await scenario.endpoint(), "key:ops", scenario.now)
        assert "no longer exists" in (await manual_actions.send_again(connection, row["id"], scenario.now) or "")
    assert (await scenario.row("booking.created"))["state"] == "delivered"
