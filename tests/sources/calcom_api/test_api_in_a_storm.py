"""The client against a Cal.com with a memory, a limit and bad days: nothing is lost, and no limit is broken (IN8)."""

import httpx2
import pytest

from showup.sources.calcom.api import Calcom
from showup.sources.calcom.api_values import ApiBooking, BookingsAsked
from showup.sources.calcom.api_webhooks import WebhookWanted
from tests.calcom_far.server import FarCalcom
from tests.calcom_far.weeks import generate
from tests.calcom_far.world import World
from tests.destinations.far.faults import Faults

STORM = "429=0.05,500=0.1,503=0.05,reset=0.05,html=0.03"


async def everything(calcom: Calcom) -> list[ApiBooking]:
    found, asked = list[ApiBooking](), BookingsAsked(limit=7)
    while True:
        page = await calcom.bookings(asked)
        assert page.unreadable == 0
        found += page.items
        if page.next_cursor is None:
            return found
        asked = BookingsAsked(limit=7, cursor=page.next_cursor)


@pytest.mark.parametrize("knows_2026", [True, False])
async def test_every_booking_is_read_once(client: httpx2.AsyncClient, knows_2026: bool) -> None:
    world = World(seed=5)
    generate(world, seed=5, bookings=150)
    with FarCalcom(world, faults=Faults.of(STORM, seed=3), knows_2026=knows_2026) as far:
        calcom = Calcom(
            client, url=far.url, key=far.key, clock=world.clock, chance=lambda: 0.5, pause=world.clock.pause
        )
        found = await everything(calcom)
        one = await calcom.booking(str(found[0].uid))
    assert sorted(str(booking.uid) for booking in found) == sorted(world.bookings)
    assert one == (found[0],)
    assert {asked.status for asked in far.asked} > {200, 500, 429}
    assert far.worst_minute() <= 120


async def test_a_webhook_is_made_once_whatever_happens(client: httpx2.AsyncClient) -> None:
    world = World()
    world.add_user("Olivia", "olivia@acme.example")
    wanted = WebhookWanted(subscriber_url="https://showup.acme.example/hook", triggers=("BOOKING_CREATED",))
    with FarCalcom(world) as far:
        calcom = Calcom(client, url=far.url, key=far.key, clock=world.clock, pause=world.clock.pause)
        far.faults.next("lost")  # it is made, and nobody hears of it
        made = await calcom.create_webhook(wanted)
        assert await calcom.create_webhook(wanted) == made
        assert await calcom.webhooks() == [made]


async def test_a_key_that_is_refused_for_one_booking_is_left_out(client: httpx2.AsyncClient) -> None:
    """Reference 9.2."""
    world = World()
    generate(world, bookings=3)
    with FarCalcom(world, refuses_key_for_uid=True) as far:
        calcom = Calcom(client, url=far.url, key=far.key, clock=world.clock, pause=world.clock.pause)
        for uid in world.bookings:
            assert [booking.uid for booking in await calcom.booking(uid)] == [uid]
