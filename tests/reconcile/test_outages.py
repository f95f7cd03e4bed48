"""Outages of Cal.com and of our own server (seed 002, error scenarios 1 and 2)."""

import re
from collections.abc import Sequence
from datetime import timedelta

import pytest

from showup.database.engine import transaction
from showup.reads.connections import SourceHealth, calcom_health
from showup.reconcile.account import ApiAccess
from showup.reconcile.reconciler import Reconciler
from showup.sources.calcom.client import CalcomClient
from tests.fake_calcom.rows import Guest
from tests.fake_calcom.server import FakeCalcom
from tests.fake_calcom.world import World
from tests.reconcile.showup_instance import SEAL, ShowupInstance
from tests.reconcile.test_poll import ANN, DAY, HOUR, MINUTE, create_booking

PAUSES = (1, 2, 4, 8, 15, 15)


async def test_error_scenario_1_calcom_api_down(world: World, fake_calcom: FakeCalcom, showup: ShowupInstance) -> None:
    """Showup retries after ever longer pauses, keeps its data, and shows the outage."""
    booking = create_booking(world)
    await showup.receive(world.last_webhooks[0].body)
    await showup.reconcile()
    synced_at = (await showup.sync())["last_ok_at"]
    fake_calcom.stop()
    try:
        world.move_by(HOUR)
        await showup.reconcile()
        await _assert_polled_after(showup, PAUSES)
        world.cancel(booking.uid)
    finally:
        fake_calcom.start()
    health = await _health(showup)
    assert (health.available, health.last_synced_at) == (False, synced_at)
    assert re.fullmatch(
        rf"Cal\.com data unavailable \(.+\); last good sync {synced_at:%Y-%m-%d %H:%M} UTC", str(health.message)
    )
    assert booking.uid in (await showup.load_state())["bookings"]
    world.move_by(HOUR)
    assert (await showup.reconcile())["repaired"] == {"cancelled": 1}
    assert (await _health(showup)).message is None


async def _assert_polled_after(showup: ShowupInstance, pauses: Sequence[int]) -> None:
    """Checks that each poll happens after its pause, in minutes, and fails."""
    began_at = (await showup.sync())["failing_since"]
    for pause in pauses:
        sync = await showup.sync()
        assert (pause - 1) * MINUTE < sync["next_at"] - showup.clock() <= pause * MINUTE
        showup.clock.move_to(sync["next_at"])
        await showup.reconciler.poll_due()
    assert (await showup.sync())["failing_since"] == began_at


async def test_a_refused_key_reports_what_to_do(world: World, fake_calcom: FakeCalcom, showup: ShowupInstance) -> None:
    fake_calcom.key = "cal_live_another"
    world.move_by(HOUR)
    await showup.reconcile()
    fake_calcom.key = "cal_live_and_another"
    assert "key" in str((await _health(showup)).message)
    assert (await showup.sync())["failures"] == 1


async def test_error_scenario_2_webhook_delivery_failure(world: World, showup: ShowupInstance) -> None:
    """After a week without our server, the next poll finds all bookings, reschedules and absences."""
    booking = create_booking(world)
    world.add_event_type("demo", owner=booking.host)
    moved = create_booking(world, starts_in=3 * DAY)
    new = world.reschedule(moved.uid, moved.start_at + HOUR)
    world.move_by(4 * DAY)
    world.mark_absent(new.uid, {ANN.email: True})
    world.move_by(3 * DAY)
    repaired = (await showup.reconcile())["repaired"]
    assert repaired == {"created": 2, "rescheduled": 1, "ended": 2, "absence": 1}
    state = (await showup.load_state())["bookings"]
    assert {uid: one["attended"] for uid, one in state.items()} == {booking.uid: True, new.uid: False}


@pytest.mark.parametrize("fault", ["500", "429", "reset", "garbled"])
async def test_a_fault_halfway_loses_nothing(
    world: World, fake_calcom: FakeCalcom, showup: ShowupInstance, fault: str
) -> None:
    for hour in range(120):
        host = next(iter(world.users.values()), None) or world.add_user("Hana Host", "hana@sellers.example")
        kind = next(iter(world.event_types.values()), None) or world.add_event_type("call", owner=host)
        guest = Guest(f"Ann {hour}", f"ann{hour}@acme{hour}.example")
        world.book(kind, guest, start_at=world.clock() + 30 * DAY + timedelta(hours=hour))
    world.move_by(HOUR)
    # All attempts at the second page fail, and so does the run; the next run finds the rest.
    fake_calcom.faults.queue(None, *[fault] * 4)
    await showup.reconcile()
    assert (await showup.last_run())["state"] == "failed"
    world.move_by(HOUR)
    await showup.reconcile()
    assert len((await showup.load_state())["bookings"]) == 120
    assert await showup.rows("SELECT 1 FROM inbox_events WHERE duplicate_of IS NOT NULL") == []


async def test_one_refused_booking_blocks_no_other(
    world: World, fake_calcom: FakeCalcom, showup: ShowupInstance
) -> None:
    booking = create_booking(world)
    world.mark_absent(booking.uid, {ANN.email: True})
    await showup.receive(world.last_webhooks[0].body.replace(booking.uid.encode(), b"somebodyElses"))
    await showup.apply()
    world.move_by(HOUR)
    fake_calcom.faults.queue(None, None, None, None, "403")
    run = await showup.reconcile()
    assert (run["state"], run["repaired"]) == ("done", {"created": 1, "absence": 1})
    assert [one["kind"] for one in run["drift"]] == ["unreadable"]
    assert [one.path for one in fake_calcom.requests if one.status == 403] == ["/v2/bookings/somebodyElses"]


async def test_a_stopped_reconciler_is_reported(world: World, showup: ShowupInstance) -> None:
    """Without a worker or a key, the connection must not be shown as available forever."""
    synced_at = world.clock()
    world.move_by(30 * MINUTE)
    assert (await _health(showup)).available is True
    world.move_by(HOUR)
    health = await _health(showup)
    assert (health.available, health.last_synced_at) == (False, synced_at)
    assert "no process checks it" in str(health.message)
    await showup.rows("UPDATE syncs SET leased_until = :until RETURNING 1", until=world.clock() + MINUTE)
    assert (await _health(showup)).available is True


async def test_a_run_that_lost_its_lease_records_no_outcome(
    world: World, fake_calcom: FakeCalcom, showup: ShowupInstance
) -> None:
    """Another process polled successfully in the meantime."""
    other = showup.create_reconciler()

    async def sleep(_seconds: float) -> None:
        if not sleep_past_lease:
            sleep_past_lease.append(True)
            world.move_by(HOUR)
            await other.poll_due()
        fake_calcom.faults.queue("500")

    sleep_past_lease: list[bool] = []
    showup.limit_calls(100)
    one = Reconciler(
        showup.engine,
        world.clock,
        access=ApiAccess(seal=SEAL, url=fake_calcom.url, key=fake_calcom.key),
        api=lambda account: CalcomClient(
            showup.client, url=account.url, key=account.key, clock=world.clock, pause=sleep
        ),
        drain=showup.applier.drain_once,
    )
    world.move_by(HOUR)
    fake_calcom.faults.queue("500")
    await one.poll_due()
    assert (await showup.last_run())["state"] == "done"
    sync = await showup.sync()
    assert (sync["failures"], sync["failing_since"], sync["last_ok_at"]) == (0, None, world.clock())


async def test_continuous_webhooks_do_not_delay_a_run(world: World, showup: ShowupInstance) -> None:
    create_booking(world)
    webhooks = 0

    async def drain() -> int:
        nonlocal webhooks
        webhooks += 1
        world.move_by(timedelta(milliseconds=1))
        done = await showup.applier.drain_once()
        await showup.receive(b'{"triggerEvent":"PING","payload":{"n":%d}}' % webhooks)
        return done

    polling = Reconciler(
        showup.engine,
        world.clock,
        access=ApiAccess(seal=SEAL, url=showup.api_url, key=showup.fake_calcom.key),
        api=showup.create_client,
        drain=drain,
        pause=world.clock.pause,
    )
    world.move_by(HOUR)
    await drain()
    await polling.poll_due()
    run = await showup.last_run()
    assert (run["state"], run["repaired"]) == ("done", {"created": 1})


async def _health(showup: ShowupInstance) -> SourceHealth:
    async with transaction(showup.engine) as tx:
        return await calcom_health(tx, showup.workspace_id, showup.clock())
