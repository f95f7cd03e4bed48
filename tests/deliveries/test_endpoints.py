"""Outgoing webhooks from what happened to whoever is registered: retries, pauses, rotation, what is sent again. TE8."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import driver_connection, transaction
from showup.deliveries import endpoint_registration, endpoints_store, manual_actions, queue_store, subscription_store
from showup.deliveries.delivery import DestinationQueue
from showup.deliveries.destination_context import Clients
from showup.deliveries.destination_resolver import DestinationResolver, MailAccess
from showup.deliveries.endpoint import Endpoint, destination_of
from showup.deliveries.preparation import ConnectedQueue
from showup.deliveries.system_notifications import PAUSED
from showup.destinations import public_http
from showup.destinations.public_addresses import AddressPolicy
from tests.deliveries.scenario import SEAL, DeliveryScenario
from tests.destinations.email.rendered_mail import renderer
from tests.destinations.fake_vendors.webhook import FakeWebhookReceiver
from tests.histories.webhooks import MONDAY, body, payload

ANN = "ann@acme.example"
START = MONDAY + timedelta(days=5)
TEAM = "slack"


def booked(uid: str = "one", number: int = 1) -> bytes:
    return body("BOOKING_CREATED", MONDAY, payload(uid, number, START, [ANN]))


def cancelled(later: int = 1) -> bytes:
    return body("BOOKING_CANCELLED", MONDAY + timedelta(seconds=later), payload("one", 1, START, [ANN]))


class EndpointScenario(DeliveryScenario):
    """A post whose endpoint is reached as in life; `secret` is the endpoint's."""

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


@pytest.fixture
def fake_webhook() -> Iterator[FakeWebhookReceiver]:
    with FakeWebhookReceiver(now=False) as server:
        yield server
        assert server.wrong == []


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
    created = EndpointScenario(engine, workspace, account, Clients(trusted=public_client, untrusted=public_client))
    await created.register(fake_webhook.url, "booking.created", "booking.cancelled")
    fake_webhook.secret = created.secret
    created.now += timedelta(seconds=1)
    return created


async def subscribe(scenario: EndpointScenario, destination: str, *kinds: str) -> None:
    async with transaction(scenario.engine) as tx:
        await subscription_store.subscribe(
            await driver_connection(tx), scenario.workspace, destination, kinds, scenario.now
        )


async def test_events_are_sent_to_endpoints_registered_for_them(
    scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver
) -> None:
    await scenario.receive(booked())
    await scenario.deliver_due()
    await scenario.receive(body("BOOKING_REJECTED", MONDAY, payload("two", 2, START, [ANN])), cancelled())
    await scenario.deliver_due()
    assert fake_webhook.types == ["booking.created", "booking.cancelled"]
    assert [one.payload["data"]["booking"]["status"] for one in fake_webhook.received] == ["ACCEPTED", "CANCELLED"]
    row = await scenario.row("booking.created")
    assert (row["state"], row["provider"], str(row["id"])) == ("delivered", "webhook", fake_webhook.received[0].id)


async def test_earlier_events_are_not_sent(scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver) -> None:
    await scenario.change(kinds=("booking.created",))
    scenario.now += timedelta(seconds=1)
    await scenario.receive(booked(), cancelled())
    await scenario.change(kinds=("booking.created", "booking.cancelled"))
    await scenario.deliver_due(minutes=1)
    assert fake_webhook.types == ["booking.created"]


async def test_a_duplicate_event_is_sent_once(scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver) -> None:
    await scenario.receive(booked(), booked())
    await scenario.deliver_due()
    await scenario.receive(booked())
    await scenario.deliver_due()
    assert list(fake_webhook.effects.values()) == [1]


async def test_failures_are_retried_for_a_day_and_then_fail(
    scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver
) -> None:
    await scenario.receive(booked())
    fake_webhook.faults.queue(*["400"] * 7)
    for pause in (0, 5, 300, 1800, 7200, 18_000, 36_000):
        await scenario.deliver_due(seconds=pause)
    row = await scenario.row("booking.created")
    assert (row["state"], row["attempts"]) == ("failed", 7)
    assert row["because"] == 'the endpoint answered 400 ({"error": "out of order"}) (attempt 7 of 7)'
    assert scenario.now - MONDAY < timedelta(days=1)
    assert {call[1]["webhook-id"] for call in fake_webhook.calls} == {str(row["id"])}
    assert fake_webhook.received == []


async def test_a_lost_response_is_retried_with_the_same_id(
    scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver
) -> None:
    await scenario.receive(booked())
    fake_webhook.faults.queue("lost")
    await scenario.deliver_due()
    await scenario.deliver_due(seconds=10)
    assert list(fake_webhook.effects.values()) == [2]
    first, second = fake_webhook.received
    assert first.body == second.body
    assert (await scenario.row("booking.created"))["state"] == "delivered"


async def test_a_rate_limited_endpoint_is_paused_until_retry_after(
    scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver
) -> None:
    await scenario.receive(booked())
    fake_webhook.faults.queue("429")
    await scenario.deliver_due()
    await scenario.deliver_due(seconds=100)
    assert len(fake_webhook.calls) == 1
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
    assert len(fake_webhook.calls) == 1
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
    assert (row["state"], fake_webhook.calls) == ("skipped", [])
    assert "too late" in row["because"]


async def test_an_endpoint_that_fails_for_a_day_is_paused(
    scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver
) -> None:
    await subscribe(scenario, TEAM, PAUSED)
    await scenario.receive(booked())
    fake_webhook.down()
    await scenario.deliver_due()
    for _ in range(23):
        await scenario.deliver_due(hours=1)
    assert (await scenario.endpoint()).paused_at is None
    for _ in range(2):
        await scenario.deliver_due(hours=1)
    endpoint = await scenario.endpoint()
    assert endpoint.because is not None
    assert "nothing has passed since 2026-09-07 09:00" in endpoint.because
    assert len(await scenario.rows(kind=PAUSED)) == 1
    fake_webhook.up()
    await scenario.change(paused=False)
    await scenario.deliver_due(minutes=1)
    assert fake_webhook.types == ["booking.created"], "what waited for it was not given up"


async def test_an_endpoint_that_accepted_a_delivery_is_not_paused(
    scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver
) -> None:
    await scenario.receive(booked())
    fake_webhook.down()
    await scenario.deliver_due()
    await scenario.deliver_due(hours=20)
    fake_webhook.up()
    await scenario.deliver_due(hours=3)
    fake_webhook.down()
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


async def test_a_rotated_secret_signs_for_a_day(scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver) -> None:
    async with transaction(scenario.engine) as tx:
        fresh = await endpoint_registration.rotate(
            await driver_connection(tx), SEAL, await scenario.endpoint(), scenario.now
        )
    await scenario.receive(booked())
    await scenario.deliver_due(hours=23)
    fake_webhook.secret = fresh
    await scenario.receive(cancelled())
    await scenario.deliver_due(hours=2)
    assert [len(one.signatures) for one in fake_webhook.received] == [2, 1]


async def test_secrets_are_sealed(scenario: EndpointScenario) -> None:
    async with transaction(scenario.engine) as tx:
        sealed = await (await driver_connection(tx)).fetchval("SELECT secrets FROM endpoints")
    assert scenario.secret.encode() not in sealed
    assert scenario.secret.removeprefix("whsec_").encode() not in sealed


async def test_a_delivered_webhook_can_be_sent_again(
    scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver
) -> None:
    await scenario.receive(booked())
    await scenario.deliver_due()
    row = await scenario.row("booking.created")
    await scenario.deliver_due(days=30)
    async with transaction(scenario.engine) as tx:
        assert await manual_actions.send_again(await driver_connection(tx), row["id"], scenario.now) is None
    await scenario.deliver_due()
    first, second = fake_webhook.received
    assert (first.id, first.body) == (second.id, second.body)
    again = await scenario.row("booking.created")
    assert (again["state"], again["attempts"], again["delivered_at"]) == ("delivered", 2, scenario.now)


async def test_only_delivered_webhooks_can_be_sent_again(scenario: EndpointScenario) -> None:
    await scenario.receive(booked())
    waiting = await scenario.row("booking.created")
    (mail,) = await scenario.rows(kind="confirm")
    async with transaction(scenario.engine) as tx:
        connection = await driver_connection(tx)
        assert "nobody else is told twice" in (
            await manual_actions.send_again(connection, mail["id"], scenario.now) or ""
        )
        assert "it is scheduled" in (await manual_actions.send_again(connection, waiting["id"], scenario.now) or "")
        assert "no such delivery" in (await manual_actions.send_again(connection, uuid4(), scenario.now) or "")


async def test_a_deleted_endpoint_receives_nothing(
    scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver
) -> None:
    await scenario.receive(booked())
    async with transaction(scenario.engine) as tx:
        await endpoint_registration.delete(
            await driver_connection(tx), await scenario.endpoint(), "key:ops", scenario.now
        )
    await scenario.deliver_due(seconds=10)
    row = await scenario.row("booking.created")
    assert (row["state"], row["because"]) == ("withdrawn", "key:ops deleted its endpoint")
    await scenario.receive(cancelled())
    await scenario.deliver_due(seconds=10)
    assert (fake_webhook.calls, await scenario.rows(kind="booking.cancelled")) == ([], [])
    async with transaction(scenario.engine) as tx:
        assert await (await driver_connection(tx)).fetchval("SELECT length(secrets) FROM endpoints") == 0


async def test_an_in_flight_delivery_is_the_last_of_a_deleted_endpoint(scenario: EndpointScenario) -> None:
    await scenario.receive(booked())
    await scenario.claim()
    async with transaction(scenario.engine) as tx:
        await endpoint_registration.delete(
            await driver_connection(tx), await scenario.endpoint(), "key:ops", scenario.now
        )
    row = await scenario.row("booking.created")
    assert (row["state"], row["unwanted"]) == ("sending", "key:ops deleted its endpoint")


async def test_a_ping_goes_to_one_endpoint_whatever_its_kinds(
    scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver
) -> None:
    await subscribe(scenario, TEAM, "ping")
    async with transaction(scenario.engine) as tx:
        delivery_id = await endpoint_registration.ping(
            await driver_connection(tx), await scenario.endpoint(), "key:ops", scenario.now
        )
    await scenario.deliver_due()
    assert [(one.id, one.payload["type"]) for one in fake_webhook.received] == [(str(delivery_id), "ping")]
    assert fake_webhook.received[0].payload["data"] == {"workspace": "default", "sent_by": "key:ops"}
    assert len(await scenario.rows(kind="ping")) == 1


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
    assert (await scenario.endpoint()).paused_at is None, "whoever changed it knew better"
