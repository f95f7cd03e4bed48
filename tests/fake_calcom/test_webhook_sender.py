"""Webhooks are delivered signed, and lost, late or twice as their faults say."""

from datetime import timedelta

import httpx2
import pytest

from showup.sources.calcom.signature import is_signed
from tests.fake_calcom.history import generate_history
from tests.fake_calcom.registry import Registry
from tests.fake_calcom.webhook_sender import DeliveryFaults, WebhookSender, ping_all, send_to_url
from tests.fake_calcom.world import World

SECRET = "a secret of both sides"


class Endpoint:
    """Stores the webhooks that arrive; responds over HTTP with `status`."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.received: list[tuple[bytes, dict[str, str]]] = []

    async def receive(self, body: bytes, headers: dict[str, str]) -> None:
        self.received.append((body, headers))

    def open_client(self) -> httpx2.AsyncClient:
        def respond(request: httpx2.Request) -> httpx2.Response:
            self.received.append((request.content, dict(request.headers)))
            return httpx2.Response(self.status)

        return httpx2.AsyncClient(transport=httpx2.MockTransport(respond))


@pytest.fixture
def world() -> World:
    world = World(seed=1)
    generate_history(world, seed=2, bookings=100, days=6)
    return world


async def test_without_faults_each_webhook_arrives_signed_once(world: World) -> None:
    endpoint, sent = Endpoint(), list(world.sent_webhooks)
    sender = WebhookSender(world, endpoint.receive, secret=SECRET)
    assert await sender.deliver_due() <= len(sent)
    world.clock.move_by(timedelta(seconds=12))
    await sender.deliver_due()
    assert sender.in_flight == 0
    assert sorted(body for body, _ in endpoint.received) == sorted(webhook.body for webhook in sent)
    for body, headers in endpoint.received:
        assert is_signed(body, headers["X-Cal-Signature-256"].encode(), [SECRET.encode()])


async def test_a_new_webhook_is_in_flight(world: World) -> None:
    sender = WebhookSender(world, Endpoint().receive, secret=SECRET)
    await sender.deliver_all()
    world.cancel(next(uid for uid, one in world.bookings.items() if one.status == "ACCEPTED"))
    assert (await sender.deliver_due(), sender.in_flight) == (0, 1)


async def test_faults_lose_duplicate_and_delay_webhooks(world: World) -> None:
    endpoint = Endpoint()
    faults = DeliveryFaults(lost=0.2, delayed=0.3, duplicated=0.1, max_delay=timedelta(days=1), seed=4)
    sender = WebhookSender(world, endpoint.receive, secret=SECRET, faults=faults)
    await sender.deliver_all()
    assert 0.1 < len(sender.lost) / len(world.sent_webhooks) < 0.3
    assert {webhook.body for webhook in [*sender.lost, *sender.delivered]} == {
        webhook.body for webhook in world.sent_webhooks
    }
    assert len({body for body, _ in endpoint.received}) < len(endpoint.received)
    moments = [webhook.at for webhook in sender.delivered]
    assert moments != sorted(moments)


async def test_the_same_faults_affect_the_same_webhooks(world: World) -> None:
    faults, lost = DeliveryFaults(lost=0.2, seed=4), []
    for _ in range(2):
        sender = WebhookSender(world, Endpoint().receive, secret=SECRET, faults=faults)
        await sender.deliver_all()
        lost.append(sender.lost)
    assert lost[0] == lost[1]


@pytest.mark.parametrize(("status", "attempts"), [(200, 1), (500, 3), (429, 3), (401, 1)])
async def test_a_failing_endpoint_is_retried_like_calcom(status: int, attempts: int, world: World) -> None:
    endpoint = Endpoint(status)
    async with endpoint.open_client() as client:
        await WebhookSender(world, send_to_url(client, "http://127.0.0.1/hook"), secret=SECRET).ping()
    assert len(endpoint.received) == attempts


async def test_a_ping_goes_to_every_registered_webhook_with_its_own_secret(world: World) -> None:
    endpoint, registry = Endpoint(), Registry()
    body_fields = {"triggers": ["BOOKING_CREATED"], "active": True}
    for secret, active in (("one", True), ("two", True), ("three", False)):
        more = {"subscriberUrl": f"http://127.0.0.1/{secret}", "secret": secret, "active": active}
        registry.create(("userId", 1), body_fields | more)
    async with endpoint.open_client() as client:
        await ping_all(world, client, registry.rows.values())
    assert len(endpoint.received) == 2
    for (body, headers), own_secret in zip(endpoint.received, (b"one", b"two"), strict=True):
        assert b'"triggerEvent":"PING"' in body
        assert is_signed(body, headers["x-cal-signature-256"].encode(), [own_secret])
