"""An endpoint, and the deliveries to it: the scenario of these tests."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.connections import endpoint_registration, endpoints_store
from showup.connections.endpoint import Endpoint, destination_of
from showup.database.engine import driver_connection, transaction
from showup.destinations.public_addresses import AddressPolicy
from showup.dispatch.destination_context import Clients
from showup.dispatch.destination_resolver import DestinationResolver, MailAccess
from showup.dispatch.preparation import ConnectedQueue
from showup.outbox import subscriptions
from showup.outbox.delivery import DestinationQueue
from tests.deliveries.scenario import SEAL, DeliveryScenario
from tests.destinations.email.rendered_mail import renderer
from tests.histories.webhooks import MONDAY, body, payload

ANN = "ann@acme.example"
START = MONDAY + timedelta(days=5)
TEAM = "slack"


def booked(uid: str = "one", number: int = 1) -> bytes:
    return body("BOOKING_CREATED", MONDAY, payload(uid, number, START, [ANN]))


def cancelled(later: int = 1) -> bytes:
    return body("BOOKING_CANCELLED", MONDAY + timedelta(seconds=later), payload("one", 1, START, [ANN]))


def same_for_all(client: httpx2.AsyncClient) -> Clients:
    """Returns clients that may call any address, with the same client for all of them."""
    return Clients(trusted=client, untrusted=client, address_policy=AddressPolicy(allow_private=True))


class EndpointScenario(DeliveryScenario):
    """A workspace with one endpoint, called over real HTTP; `secret` is the endpoint's."""

    def __init__(self, engine: AsyncEngine, workspace: UUID, account: UUID, clients: Clients) -> None:
        super().__init__(engine, workspace, account)
        self.id = uuid4()
        self.queue = DestinationQueue(workspace_id=workspace, destination=destination_of(self.id))
        self.secret = ""
        self._resolver = DestinationResolver(
            engine,
            SEAL,
            lambda: self.now,
            clients=clients,
            environment=MailAccess(resend_url="http://127.0.0.1:1"),
            renderer=lambda _: renderer(),
            retry_after=(),
        )

    async def resolve(self, queue: DestinationQueue) -> ConnectedQueue:
        return await self._resolver.resolve(queue)

    async def register(self, url: str, *kinds: str) -> None:
        endpoint = Endpoint(id=self.id, workspace_id=self.workspace, url=url, kinds=kinds)
        async with transaction(self.engine) as tx:
            self.secret = await endpoint_registration.register(await driver_connection(tx), SEAL, endpoint, self.now)

    async def endpoint(self) -> Endpoint:
        async with transaction(self.engine) as tx:
            found = await endpoints_store.find(await driver_connection(tx), self.workspace, self.id)
        assert found is not None
        return found

    async def change(self, **changes: Any) -> None:
        async with transaction(self.engine) as tx:
            await endpoint_registration.change(
                await driver_connection(tx), await self.endpoint(), changes, "key:ops", self.now
            )

    async def row(self, kind: str) -> dict[str, Any]:
        (row,) = await self.rows(kind=kind, destination=self.queue.destination)
        return row


async def subscribe(scenario: EndpointScenario, destination: str, *kinds: str) -> None:
    async with transaction(scenario.engine) as tx:
        await subscriptions.subscribe(await driver_connection(tx), scenario.workspace, destination, kinds, scenario.now)
