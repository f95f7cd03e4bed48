"""Old instances with API v1 report no times of change, so Showup compares a differing booking twice (IN8, seed 002)."""

from datetime import timedelta

import pytest

from tests.fake_calcom.rows import Guest
from tests.fake_calcom.server import FakeCalcom
from tests.fake_calcom.world import World
from tests.reconcile.showup_instance import ShowupInstance
from tests.reconcile.test_poll import DAY, HOUR, create_booking


@pytest.fixture
def old_instance(showup: ShowupInstance, fake_calcom: FakeCalcom) -> ShowupInstance:
    showup.api_url = fake_calcom.url_v1
    showup.reconciler = showup.create_reconciler()
    return showup


async def test_a_lost_webhook_is_found(world: World, old_instance: ShowupInstance) -> None:
    booking = create_booking(world)
    world.move_by(HOUR)
    assert (await old_instance.reconcile())["repaired"] == {"created": 1}
    world.cancel(booking.uid)
    world.move_by(HOUR)
    assert (await old_instance.reconcile())["repaired"] == {"cancelled": 1}
    assert (await old_instance.load_state())["bookings"][booking.uid]["status"] == "CANCELLED"


async def test_a_late_webhook_needs_no_repair(world: World, old_instance: ShowupInstance) -> None:
    create_booking(world)
    in_flight = world.last_webhooks[0].body

    async def deliver_while_waiting(seconds: float) -> None:
        await old_instance.receive(in_flight)
        world.move_by(timedelta(seconds=seconds))

    old_instance.reconciler = old_instance.create_reconciler(pause=deliver_while_waiting)
    assert (await old_instance.reconcile())["repaired"] == {}
    assert len((await old_instance.load_state())["bookings"]) == 1


async def test_a_backfill_selects_by_meeting_date(world: World, old_instance: ShowupInstance) -> None:
    host = world.add_user("Hana Host", "hana@sellers.example")
    kind = world.add_event_type("call", owner=host)
    for days in (1, 3):
        world.book(kind, Guest("Ann", f"ann{days}@acme.example"), start_at=world.clock() + days * DAY)
    world.move_by(5 * DAY)
    (account,) = await old_instance.reconciler.accounts()
    found = await old_instance.reconciler.backfill(account, world.clock() - 3 * DAY, world.clock(), lambda _many: None)
    assert found.repaired == {"created": 1, "ended": 1}
    assert list((await old_instance.load_state())["people"]) == ["ann3@acme.example"]


async def test_bookings_before_the_account_are_history(
    world: World, fake_calcom: FakeCalcom, showup: ShowupInstance
) -> None:
    """API v1 reports no creation times, so old bookings could look new; Showup must not notify anyone (PI13)."""
    await showup.rows("DELETE FROM reconciliations RETURNING 1")
    await showup.rows("DELETE FROM syncs RETURNING 1")
    soon, late = create_booking(world, starts_in=5 * DAY), create_booking(world, starts_in=90 * DAY)
    world.move_by(DAY)
    showup.api_url = fake_calcom.url_v1
    showup.reconciler = showup.create_reconciler()
    await showup.reconciler.poll_due()
    assert (await showup.last_run())["repaired"] == {"created": 2}
    for _ in range(2):
        world.move_by(30 * DAY)
        await showup.reconcile()
    assert (await showup.load_state())["bookings"].keys() == {soon.uid, late.uid}
    assert await showup.rows("SELECT kind FROM deliveries") == []
