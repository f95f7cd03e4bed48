"""A webhook receiver, and a scenario with an endpoint registered for it."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from uuid import UUID

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.destinations import public_http
from showup.destinations.public_addresses import AddressPolicy
from tests.deliveries.endpoints.scenario import EndpointScenario, same_for_all
from tests.destinations.fake_vendors.webhook import FakeWebhookReceiver


@pytest.fixture
def fake_webhook() -> Iterator[FakeWebhookReceiver]:
    with FakeWebhookReceiver(now=False) as server:
        yield server


@pytest.fixture
async def public_client() -> AsyncIterator[httpx2.AsyncClient]:
    async with public_http.client("1", AddressPolicy(allow_private=True)) as client:
        yield client


@pytest.fixture
async def scenario(
    engine: AsyncEngine,
    workspace: UUID,
    account: UUID,
    public_client: httpx2.AsyncClient,
    fake_webhook: FakeWebhookReceiver,
) -> EndpointScenario:
    created = EndpointScenario(engine, workspace, account, same_for_all(public_client))
    await created.register(fake_webhook.url, "booking.created", "booking.cancelled")
    fake_webhook.secret = created.secret
    created.now += timedelta(seconds=1)
    return created
