"""What becomes of webhooks on their way: signed, and lost, late or doubled as their fate says."""

from datetime import timedelta

import httpx2
import pytest

from showup.sources.calcom.signature import is_signed
from tests.calcom_far.courier import Courier, Fate, ping_all, to_url
from tests.calcom_far.registry import Registry
from tests.calcom_far.weeks import generate
from tests.calcom_far.world import World

SECRET = "a secret of both sides"


class Door:
    """Keeps what arrives; answers over HTTP with `status`."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.arrived: list[tuple[bytes, dict[str, str]]] = []

    async def take(self, body: bytes, headers: dict[str, str]) -> None:
        self.arrived.append((body, headers))

    def over_http(self) -> httpx2.AsyncClient:
        def answer(request: httpx2.Request) -> httpx2.Response:
            self.arrived.append((request.content, dict(request.headers)))
            return httpx2.Response(self.status)

        return httpx2.AsyncClient(transport=httpx2.MockTransport(answer))


@pytest.fixture
def world() -> World:
    world = World(seed=1)
    generate(world, seed=2, bookings=100, days=6)
    return world


async def test_without_a_fate_everything_arrives_signed_once_and_some_seconds_late(world: World) -> None:
    door, said = Door(), list(world.said)
    courier = Courier(world, door.take, secret=SECRET)
    assert await courier.deliver_due() <= len(said)
    world.clock.advance(timedelta(seconds=12))
    await courier.deliver_due()
    assert courier.in_flight == 0
    assert sorted(body for body, _ in door.arrived) == sorted(news.body for news in said)
    for body, headers in door.arrived:
        assert is_signed(body, headers["X-Cal-Signature-256"].encode(), [SECRET.encode()])


async def test_what_was_just_said_is_still_in_flight(world: World) -> None:
    courier = Courier(world, Door().take, secret=SECRET)
    await courier.deliver_all()
    world.cancel(next(uid for uid, one in world.bookings.items() if one.status == "ACCEPTED"))
    assert (await courier.deliver_due(), courier.in_flight) == (0, 1)


async def test_a_fate_loses_doubles_and_delays(world: World) -> None:
    door = Door()
    fate = Fate(lost=0.2, delayed=0.3, doubled=0.1, latest=timedelta(days=1), seed=4)
    courier = Courier(world, door.take, secret=SECRET, fate=fate)
    await courier.deliver_all()
    assert 0.1 < len(courier.lost) / len(world.said) < 0.3
    assert {news.body for news in [*courier.lost, *courier.delivered]} == {news.body for news in world.said}
    assert len({body for body, _ in door.arrived}) < len(door.arrived)
    moments = [news.at for news in courier.delivered]
    assert moments != sorted(moments)


async def test_the_same_fate_strikes_the_same_webhooks(world: World) -> None:
    fate, lost = Fate(lost=0.2, seed=4), []
    for _ in range(2):
        courier = Courier(world, Door().take, secret=SECRET, fate=fate)
        await courier.deliver_all()
        lost.append(courier.lost)
    assert lost[0] == lost[1]


@pytest.mark.parametrize(("status", "tries"), [(200, 1), (500, 3), (429, 3), (401, 1)])
async def test_a_door_that_fails_is_asked_again_as_calcom_does(status: int, tries: int, world: World) -> None:
    door = Door(status)
    async with door.over_http() as client:
        await Courier(world, to_url(client, "http://127.0.0.1/hook"), secret=SECRET).ping()
    assert len(door.arrived) == tries


async def test_a_ping_goes_to_every_registered_webhook_with_its_own_secret(world: World) -> None:
    door, registry = Door(), Registry()
    asked = {"triggers": ["BOOKING_CREATED"], "active": True}
    for secret, active in (("one", True), ("two", True), ("three", False)):
        more = {"subscriberUrl": f"http://127.0.0.1/{secret}", "secret": secret, "active": active}
        registry.create(("userId", 1), asked | more)
    async with door.over_http() as client:
        await ping_all(world, client, registry.rows.values())
    assert len(door.arrived) == 2
    for (body, headers), own in zip(door.arrived, (b"one", b"two"), strict=True):
        assert b'"triggerEvent":"PING"' in body
        assert is_signed(body, headers["x-cal-signature-256"].encode(), [own])
