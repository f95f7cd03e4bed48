"""Cal.com, or our own server, is away for a while (seed 002's error scenarios 1 and 2)."""

import re
from collections.abc import Sequence
from datetime import timedelta

import pytest

from showup.database.engine import transaction
from showup.reads.connections import CalcomHealth, calcom_health
from showup.reconcile.account import ApiAccess
from showup.reconcile.reconciler import Reconciler
from showup.sources.calcom.api import Calcom
from tests.calcom_far.rows import Guest
from tests.calcom_far.server import FarCalcom
from tests.calcom_far.world import World
from tests.reconcile.stage import SEAL, Showup
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


async def test_one_booking_that_cal_com_will_not_show_holds_up_no_other(
    world: World, far: FarCalcom, showup: Showup
) -> None:
    booking = booked(world)
    world.mark_absent(booking.uid, {ANN.email: True})
    await showup.receive(world.last[0].body.replace(booking.uid.encode(), b"somebodyElses"))
    await showup.apply()
    world.advance(HOUR)
    far.faults.next(None, None, None, None, "403")
    told = await showup.reconcile()
    assert (told["state"], told["healed"]) == ("done", {"created": 1, "absence": 1})
    assert [one["kind"] for one in told["drift"]] == ["unreadable"]
    assert [one.path for one in far.asked if one.status == 403] == ["/v2/bookings/somebodyElses"]


async def test_that_nobody_asks_any_more_is_told(world: World, showup: Showup) -> None:
    """The worker is gone, or the key was taken away: what was good once must not pass for good for ever."""
    synced_at = world.clock()
    world.advance(30 * MINUTE)
    assert (await _health(showup)).available is True
    world.advance(HOUR)
    health = await _health(showup)
    assert (health.available, health.last_synced_at) == (False, synced_at)
    assert "nobody asks it" in str(health.message)
    await showup.rows("UPDATE syncs SET leased_until = :until RETURNING 1", until=world.clock() + MINUTE)
    assert (await _health(showup)).available is True


async def test_who_slept_over_the_lease_says_nothing_of_how_it_ended(
    world: World, far: FarCalcom, showup: Showup
) -> None:
    """Another process asked meanwhile, and was answered."""
    other = showup.another()

    async def sleep(_seconds: float) -> None:
        if not slept:
            slept.append(True)
            world.advance(HOUR)
            await other.poll_due()
        far.faults.next("500")

    slept: list[bool] = []
    showup.limit(100)
    one = Reconciler(
        showup.engine,
        world.clock,
        access=ApiAccess(seal=SEAL, url=far.url, key=far.key),
        api=lambda account: Calcom(showup.client, url=account.url, key=account.key, clock=world.clock, pause=sleep),
        drain=showup.applier.drain_once,
    )
    world.advance(HOUR)
    far.faults.next("500")
    await one.poll_due()
    assert (await showup.last_run())["state"] == "done"
    sync = await showup.sync()
    assert (sync["failures"], sync["failing_since"], sync["last_ok_at"]) == (0, None, world.clock())


async def test_what_comes_in_all_the_time_is_not_waited_for(world: World, showup: Showup) -> None:
    booked(world)
    webhooks = 0

    async def drain() -> int:
        nonlocal webhooks
        webhooks += 1
        world.advance(timedelta(milliseconds=1))
        done = await showup.applier.drain_once()
        await showup.receive(b'{"triggerEvent":"PING","payload":{"n":%d}}' % webhooks)
        return done

    busy = Reconciler(
        showup.engine,
        world.clock,
        access=ApiAccess(seal=SEAL, url=showup.api_url, key=showup.far.key),
        api=showup.api,
        drain=drain,
        pause=world.clock.pause,
    )
    world.advance(HOUR)
    await drain()
    await busy.poll_due()
    told = await showup.last_run()
    assert (told["state"], told["healed"]) == ("done", {"created": 1})


async def _health(showup: Showup) -> CalcomHealth:
    async with transaction(showup.engine) as tx:
        return await calcom_health(tx, showup.workspace_id, showup.clock())
