"""The client with a fake Cal.com that has a rate limit and faults: it loses nothing and obeys the limit (IN8)."""

import httpx2
import pytest

from showup.sources.calcom.api_values import ApiBooking, BookingsQuery
from showup.sources.calcom.api_webhooks import WebhookSpec
from showup.sources.calcom.client import CalcomClient
from tests.fake_calcom.history import generate_history
from tests.fake_calcom.server import FakeCalcom
from tests.fake_calcom.world import World
from tests.vendors.faults import Faults

STORM = "429=0.05,500=0.1,503=0.05,reset=0.05,html=0.03"


async def fetch_all(calcom: CalcomClient) -> list[ApiBooking]:
    found, query = list[ApiBooking](), BookingsQuery(limit=7)
    while True:
        page = await calcom.bookings(query)
        assert page.unreadable == 0
        found += page.items
        if page.next_cursor is None:
            return found
        query = BookingsQuery(limit=7, cursor=page.next_cursor)


@pytest.mark.parametrize("knows_2026", [True, False])
async def test_every_booking_is_read_once_under_faults(client: httpx2.AsyncClient, knows_2026: bool) -> None:
    world = World(seed=5)
    generate_history(world, seed=5, bookings=150)
    with FakeCalcom(world, faults=Faults.parse(STORM, seed=3), knows_2026=knows_2026) as fake_calcom:
        calcom = CalcomClient(
            client,
            url=fake_calcom.url,
            key=fake_calcom.key,
            clock=world.clock,
            jitter=lambda: 0.5,
            pause=world.clock.pause,
        )
        found = await fetch_all(calcom)
        one = await calcom.booking(str(found[0].uid))
    assert sorted(str(booking.uid) for booking in found) == sorted(world.bookings)
    assert one == (found[0],)
    assert {query.status for query in fake_calcom.requests} > {200, 500, 429}
    assert fake_calcom.worst_minute() <= 120


async def test_a_webhook_is_created_once_under_faults(client: httpx2.AsyncClient) -> None:
    world = World()
    world.add_user("Olivia", "olivia@acme.example")
    spec = WebhookSpec(subscriber_url="https://showup.acme.example/hook", triggers=("BOOKING_CREATED",))
    with FakeCalcom(world) as fake_calcom:
        calcom = CalcomClient(
            client, url=fake_calcom.url, key=fake_calcom.key, clock=world.clock, pause=world.clock.pause
        )
        fake_calcom.faults.queue("lost")  # the webhook is created, but the response is lost
        created = await calcom.create_webhook(spec)
        assert await calcom.create_webhook(spec) == created
        assert await calcom.webhooks() == [created]


async def test_a_booking_that_refuses_the_key_is_read_without_it(client: httpx2.AsyncClient) -> None:
    """Reference 9.2."""
    world = World()
    generate_history(world, bookings=3)
    with FakeCalcom(world, refuses_key_for_uid=True) as fake_calcom:
        calcom = CalcomClient(
            client, url=fake_calcom.url, key=fake_calcom.key, clock=world.clock, pause=world.clock.pause
        )
        for uid in world.bookings:
            assert [booking.uid for booking in await calcom.booking(uid)] == [uid]
