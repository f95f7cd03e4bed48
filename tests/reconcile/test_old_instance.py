"""Old instances with API v1 say no times of change, so what differs is looked at twice (IN8, seed 002)."""

from datetime import timedelta

import pytest

from tests.calcom_far.rows import Guest
from tests.calcom_far.server import FarCalcom
from tests.calcom_far.world import World
from tests.reconcile.stage import Showup
from tests.reconcile.test_polling import DAY, HOUR, booked


@pytest.fixture
def old(showup: Showup, far: FarCalcom) -> Showup:
    showup.api_url = far.url_v1
    showup.reconciler = showup.another()
    return showup


async def test_what_was_missed_is_found(world: World, old: Showup) -> None:
    booking = booked(world)
    world.advance(HOUR)
    assert (await old.reconcile())["healed"] == {"created": 1}
    world.cancel(booking.uid)
    world.advance(HOUR)
    assert (await old.reconcile())["healed"] == {"cancelled": 1}
    assert (await old.standing())["bookings"][booking.uid]["status"] == "CANCELLED"


async def test_a_webhook_that_comes_meanwhile_needs_no_healing(world: World, old: Showup) -> None:
    booked(world)
    on_its_way = world.last[0].body

    async def meanwhile(seconds: float) -> None:
        await old.receive(on_its_way)
        world.advance(timedelta(seconds=seconds))

    old.reconciler = old.another(pause=meanwhile)
    assert (await old.reconcile())["healed"] == {}
    assert len((await old.standing())["bookings"]) == 1


async def test_history_is_taken_in_by_the_days_of_its_meetings(world: World, old: Showup) -> None:
    host = world.add_user("Hana Host", "hana@sellers.example")
    kind = world.add_event_type("call", owner=host)
    for days in (1, 3):
        world.book(kind, Guest("Ann", f"ann{days}@acme.example"), start_at=world.clock() + days * DAY)
    world.advance(5 * DAY)
    (account,) = await old.reconciler.accounts()
    found = await old.reconciler.backfill(account, world.clock() - 3 * DAY, world.clock(), lambda _many: None)
    assert found.healed == {"created": 1, "ended": 1}
    assert list((await old.standing())["people"]) == ["ann3@acme.example"]


async def test_what_was_there_before_the_account_was_known_is_history(
    world: World, far: FarCalcom, showup: Showup
) -> None:
    """It says no times of making either, so that all would pass for news; and nobody is told of history (PI13)."""
    await showup.rows("DELETE FROM reconciliations RETURNING 1")
    await showup.rows("DELETE FROM syncs RETURNING 1")
    soon, late = booked(world, in_=5 * DAY), booked(world, in_=90 * DAY)
    world.advance(DAY)
    showup.api_url = far.url_v1
    showup.reconciler = showup.another()
    await showup.reconciler.poll_due()
    assert (await showup.last_run())["healed"] == {"created": 2}
    for _ in range(2):
        world.advance(30 * DAY)
        await showup.reconcile()
    assert (await showup.standing())["bookings"].keys() == {soon.uid, late.uid}
    assert await showup.rows("SELECT kind FROM deliveries") == []
