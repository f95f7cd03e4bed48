"""Polling: which bookings are compared, when, and by which process (IN8)."""

import asyncio
from datetime import timedelta

from tests.fake_calcom.rows import Booking, Guest
from tests.fake_calcom.server import FakeCalcom
from tests.fake_calcom.webhook_sender import WebhookSender
from tests.fake_calcom.world import World
from tests.reconcile.conftest import OpenShowup
from tests.reconcile.showup_instance import ShowupInstance

ANN = Guest("Ann", "ann@acme.example")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def create_booking(world: World, *, confirmation: bool = False, starts_in: timedelta = 2 * DAY) -> Booking:
    host = next(iter(world.users.values()), None) or world.add_user("Hana Host", "hana@sellers.example")
    kinds = [one for one in world.event_types.values() if one.confirmation is confirmation]
    kind = kinds[0] if kinds else world.add_event_type(f"call-{confirmation}", owner=host, confirmation=confirmation)
    start_at = (world.clock() + starts_in).replace(minute=0, second=0, microsecond=0)
    return world.book(kind, ANN, start_at=start_at)


async def booking_status(showup: ShowupInstance, uid: str) -> str:
    found: str = (await showup.load_state())["bookings"][uid]["status"]
    return found


async def test_nothing_is_repaired_while_its_webhook_may_be_in_flight(world: World, showup: ShowupInstance) -> None:
    booking = create_booking(world)
    world.move_by(MINUTE)
    assert (await showup.reconcile())["repaired"] == {}
    world.move_by(2 * MINUTE)
    assert (await showup.reconcile())["repaired"] == {"created": 1}
    world.cancel(booking.uid)
    world.move_by(MINUTE)
    assert (await showup.reconcile())["repaired"] == {}
    world.move_by(2 * MINUTE)
    assert (await showup.reconcile())["repaired"] == {"cancelled": 1}


async def test_an_absence_mark_waits_for_the_grace_period_too(world: World, showup: ShowupInstance) -> None:
    """One mark's webhook arrives a minute later, and another's never arrives."""
    delivered, lost = create_booking(world), create_booking(world, starts_in=2 * DAY + HOUR)
    sender = WebhookSender(world, showup.receive, secret="")
    world.move_by(2 * DAY + 3 * HOUR)
    await sender.deliver_all()
    world.mark_absent(delivered.uid, {ANN.email: True})
    in_flight = world.last_webhooks
    world.mark_absent(lost.uid, {ANN.email: True})
    pause = showup.clock.pause

    async def deliver_while_waiting(seconds: float) -> None:
        await showup.receive(in_flight[0].body)
        await pause(seconds)

    showup.reconciler = showup.create_reconciler(pause=deliver_while_waiting)
    assert (await showup.reconcile())["repaired"] == {"absence": 1}
    bookings = (await showup.load_state())["bookings"]
    assert [bookings[one.uid]["attended"] for one in (delivered, lost)] == [False, False]


async def test_an_absence_mark_fetches_its_unknown_booking(world: World, open_showup: OpenShowup) -> None:
    """The booking is older than the account, so Showup can find it only by its uid."""
    booking = create_booking(world)
    world.move_by(5 * DAY)
    showup = await open_showup()
    world.mark_absent(booking.uid, {ANN.email: True})
    await showup.receive(world.last_webhooks[0].body)
    await showup.apply()
    world.move_by(10 * MINUTE)
    assert (await showup.reconcile())["repaired"] == {"created": 1, "ended": 1}
    assert (await showup.load_state())["bookings"][booking.uid]["attended"] is False


async def test_a_rescheduled_old_booking_is_no_cancellation(world: World, showup: ShowupInstance) -> None:
    old = create_booking(world)
    new = world.reschedule(old.uid, old.start_at + DAY)
    world.move_by(10 * MINUTE)
    assert (await showup.reconcile())["repaired"] == {"created": 1, "rescheduled": 1}
    bookings = (await showup.load_state())["bookings"]
    assert {uid: (one["status"], one["uids"]) for uid, one in bookings.items()} == {
        new.uid: ("ACCEPTED", sorted([old.uid, new.uid]))
    }


async def test_a_reschedule_request_in_two_webhooks_is_one_booking(world: World, showup: ShowupInstance) -> None:
    """BOOKING_REQUESTED names the old booking and is lost; BOOKING_CREATED names none."""
    old = create_booking(world, confirmation=True)
    world.confirm(old.uid)
    for webhook in world.sent_webhooks:
        await showup.receive(webhook.body)
    new = world.reschedule(old.uid, old.start_at + DAY)
    world.move_by(HOUR)
    world.confirm(new.uid)
    await showup.receive(world.last_webhooks[0].body)
    world.move_by(10 * MINUTE)
    assert (await showup.reconcile())["repaired"] == {"rescheduled": 1}
    bookings = (await showup.load_state())["bookings"]
    assert [(one["uid"], one["status"], one["reschedule_count"]) for one in bookings.values()] == [
        (new.uid, "ACCEPTED", 1)
    ]


async def test_a_host_reschedule_request_cancels_no_deal(world: World, showup: ShowupInstance) -> None:
    booking = create_booking(world)
    await showup.receive(world.last_webhooks[0].body)
    world.request_reschedule(booking.uid)
    world.move_by(10 * MINUTE)
    assert (await showup.reconcile())["repaired"] == {"cancelled": 1}
    bookings = await showup.load_state()
    assert bookings["bookings"][booking.uid]["status"] == "CANCELLED"
    assert [deal["status"] for deal in bookings["deals"].values()] == ["active"]


async def test_an_unrepairable_difference_is_reported_once(world: World, showup: ShowupInstance) -> None:
    """Cal.com does not know a cancellation that Showup received, as after a restored backup."""
    booking = create_booking(world)
    created = world.last_webhooks[0].body
    world.cancel(booking.uid)
    for body in (created, world.last_webhooks[0].body):
        await showup.receive(body)
    booking.status, booking.cancellation_reason, booking.cancelled_by = "ACCEPTED", None, None
    world.move_by(10 * MINUTE)
    for _ in range(2):
        run = await showup.reconcile()
        assert run["repaired"] == {}
        assert {(one["uid"], one["kind"], one["ours"]) for one in run["drift"]} == {
            (booking.uid, "accepted", "CANCELLED")
        }
    assert await showup.rows("SELECT 1 FROM inbox_events WHERE origin = 'reconcile'") == []


async def test_a_manual_outcome_is_not_overwritten(world: World, showup: ShowupInstance) -> None:
    """A person reported a no-show in Showup that is not marked at Cal.com."""
    booking = create_booking(world, starts_in=HOUR)
    world.move_by(3 * HOUR)
    for webhook in world.sent_webhooks:
        await showup.receive(webhook.body)
    await showup.apply()
    await showup.report_outcome(booking.uid, "no_show")
    world.move_by(10 * MINUTE)
    run = await showup.reconcile()
    assert (run["repaired"], run["drift"]) == ({}, [])
    assert (await showup.load_state())["bookings"][booking.uid]["attended"] is False


async def test_two_processes_poll_once(world: World, fake_calcom: FakeCalcom, showup: ShowupInstance) -> None:
    create_booking(world)
    world.move_by(HOUR)

    def lists() -> int:
        # For an unknown booking, Showup also asks for the key's owner; this counts only lists.
        return sum(asked.path == "/v2/bookings" for asked in fake_calcom.requests)

    before = lists()
    one, other = showup.create_reconciler(), showup.create_reconciler()
    await asyncio.gather(one.poll_due(), other.poll_due())
    alone = lists() - before
    await showup.apply()
    assert [run["repaired"] for run in await showup.rows("SELECT * FROM reconciliations ORDER BY started_at")][1:] == [
        {"created": 1}
    ]
    world.move_by(HOUR)
    await showup.reconciler.poll_due()
    assert lists() - before == 2 * alone


async def test_an_abandoned_lease_expires(world: World, showup: ShowupInstance) -> None:
    """A killed process does not release its lease."""
    create_booking(world)
    world.move_by(HOUR)
    await showup.rows(
        "UPDATE syncs SET leased_by = gen_random_uuid(), leased_until = :until RETURNING 1",
        until=world.clock() + MINUTE,
    )
    await showup.reconciler.poll_due()
    assert (await showup.last_run())["looked_at"] == 0
    world.move_by(2 * MINUTE)
    await showup.reconciler.poll_due()
    assert (await showup.last_run())["looked_at"] > 0


async def test_an_account_is_polled_every_15_minutes(
    world: World, fake_calcom: FakeCalcom, showup: ShowupInstance
) -> None:
    before = len(fake_calcom.requests)
    world.move_by(14 * MINUTE)
    await showup.reconciler.poll_due()
    assert len(fake_calcom.requests) == before
    world.move_by(MINUTE)
    await showup.reconciler.poll_due()
    assert len(fake_calcom.requests) > before


async def test_bookings_before_the_account_are_left_to_a_backfill(world: World, open_showup: OpenShowup) -> None:
    create_booking(world)
    world.move_by(HOUR)
    showup = await open_showup()
    world.move_by(HOUR)
    assert (await showup.reconcile())["looked_at"] == 0


async def test_meetings_where_the_key_owner_is_a_guest_are_ignored(world: World, showup: ShowupInstance) -> None:
    """Cal.com lists meetings that its user attends as a guest, but sends no webhooks for them, so none was lost."""
    hana, vera = world.add_user("Hana Host", "hana@sellers.example"), world.add_user("Vera", "vera@vendor.example")
    theirs, ours = world.add_event_type("demo", owner=vera), world.add_event_type("call", owner=hana)
    world.book(theirs, Guest("Hana Host", "Hana@sellers.example"), start_at=world.clock() + DAY)
    world.book(theirs, ANN, start_at=world.clock() + 2 * DAY, guests=[hana.email])
    mine = world.book(ours, ANN, start_at=world.clock() + 3 * DAY, guests=[hana.email])
    colleagues = world.book(theirs, ANN, start_at=world.clock() + 4 * DAY)
    world.move_by(10 * MINUTE)
    assert (await showup.reconcile())["repaired"] == {"created": 2}
    assert (await showup.load_state())["bookings"].keys() == {mine.uid, colleagues.uid}
