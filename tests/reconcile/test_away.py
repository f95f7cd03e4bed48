"""Cal.com, or our own server, is away for a while (seed 002's error scenarios 1 and 2)."""

import re
from collections.abc import Sequence
from datetime import timedelta

import pytest

from showup.database.engine import transaction
from showup.reads.connections import CalcomHealth, calcom_health
from tests.calcom_far.rows import Guest
from tests.calcom_far.server import FarCalcom
from tests.calcom_far.world import World
from tests.reconcile.stage import Showup
from tests.reconcile.test_polling import ANN, DAY, HOUR, MINUTE, booked

PAUSES = (1, 2, 4, 8, 15, 15)


async def test_error_scenario_1_calcom_api_down(world: World, far: FarCalcom, showup: Showup) -> None:
    """It is asked again after ever longer pauses, what is known stays, and where it is shown it says so."""
    booking = booked(world)
    await showup.receive(world.last[0].body)
    await showup.reconcile()
    synced_at = (await showup.sync())["last_ok_at"]
    far.stop()
    try:
        world.advance(HOUR)
        await showup.reconcile()
        await _is_asked_after(showup, PAUSES)
        world.cancel(booking.uid)
    finally:
        far.start()
    health = await _health(showup)
    assert (health.available, health.last_synced_at) == (False, synced_at)
    assert re.fullmatch(
        rf"Cal\.com data unavailable \(.+\); last good sync {synced_at:%Y-%m-%d %H:%M} UTC", str(health.message)
    )
    assert booking.uid in (await showup.standing())["bookings"]
    world.advance(HOUR)
    assert (await showup.reconcile())["healed"] == {"cancelled": 1}
    assert (await _health(showup)).message is None


async def _is_asked_after(showup: Showup, pauses: Sequence[int]) -> None:
    """Each time it fails again; the pauses are in minutes."""
    began_at = (await showup.sync())["failing_since"]
    for pause in pauses:
        sync = await showup.sync()
        assert (pause - 1) * MINUTE < sync["next_at"] - showup.clock() <= pause * MINUTE
        showup.clock.advance_to(sync["next_at"])
        await showup.reconciler.poll_due()
    assert (await showup.sync())["failing_since"] == began_at


async def test_a_key_that_is_refused_is_told_by_what_to_do(world: World, far: FarCalcom, showup: Showup) -> None:
    far.key = "cal_live_another"
    world.advance(HOUR)
    await showup.reconcile()
    far.key = "cal_live_and_another"
    assert "key" in str((await _health(showup)).message)
    assert (await showup.sync())["failures"] == 1


async def test_error_scenario_2_webhook_delivery_failure(world: World, showup: Showup) -> None:
    """Our server was not there for a week: the next poll finds who booked, who moved, and who came."""
    booking = booked(world)
    world.add_event_type("demo", owner=booking.host)
    moved = booked(world, in_=3 * DAY)
    new = world.reschedule(moved.uid, moved.start_at + HOUR)
    world.advance(4 * DAY)
    world.mark_absent(new.uid, {ANN.email: True})
    world.advance(3 * DAY)
    healed = (await showup.reconcile())["healed"]
    assert healed == {"created": 2, "rescheduled": 1, "ended": 2, "absence": 1}
    standing = (await showup.standing())["bookings"]
    assert {uid: one["attended"] for uid, one in standing.items()} == {booking.uid: True, new.uid: False}


@pytest.mark.parametrize("fault", ["500", "429", "reset", "garbled"])
async def test_a_fault_in_the_middle_loses_nothing(world: World, far: FarCalcom, showup: Showup, fault: str) -> None:
    for hour in range(120):
        host = next(iter(world.users.values()), None) or world.add_user("Hana Host", "hana@sellers.example")
        kind = next(iter(world.event_types.values()), None) or world.add_event_type("call", owner=host)
        guest = Guest(f"Ann {hour}", f"ann{hour}@acme{hour}.example")
        world.book(kind, guest, start_at=world.clock() + 30 * DAY + timedelta(hours=hour))
    world.advance(HOUR)
    # The second page fails for good, and the run with it; the next one finds the rest.
    far.faults.next(None, *[fault] * 4)
    await showup.reconcile()
    assert (await showup.last_run())["state"] == "failed"
    world.advance(HOUR)
    await showup.reconcile()
    assert len((await showup.standing())["bookings"]) == 120
    assert await showup.rows("SELECT 1 FROM calcom_events WHERE duplicate_of IS NOT NULL") == []


async def _health(showup: Showup) -> CalcomHealth:
    async with transaction(showup.engine) as tx:
        return await calcom_health(tx, showup.workspace_id, showup.clock())
