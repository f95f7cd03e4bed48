"""What is looked at, when, and by whom (IN8)."""

import asyncio
from datetime import timedelta

from tests.calcom_far.courier import Courier
from tests.calcom_far.rows import Booking, Guest
from tests.calcom_far.server import FarCalcom
from tests.calcom_far.world import World
from tests.reconcile.conftest import Opening
from tests.reconcile.stage import Showup

ANN = Guest("Ann", "ann@acme.example")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def booked(world: World, *, confirmation: bool = False, in_: timedelta = 2 * DAY) -> Booking:
    host = next(iter(world.users.values()), None) or world.add_user("Hana Host", "hana@sellers.example")
    kinds = [one for one in world.event_types.values() if one.confirmation is confirmation]
    kind = kinds[0] if kinds else world.add_event_type(f"call-{confirmation}", owner=host, confirmation=confirmation)
    start_at = (world.clock() + in_).replace(minute=0, second=0, microsecond=0)
    return world.book(kind, ANN, start_at=start_at)


async def status(showup: Showup, uid: str) -> str:
    found: str = (await showup.standing())["bookings"][uid]["status"]
    return found


async def test_nothing_is_healed_while_its_webhook_may_be_on_its_way(world: World, showup: Showup) -> None:
    booking = booked(world)
    world.advance(MINUTE)
    assert (await showup.reconcile())["healed"] == {}
    world.advance(2 * MINUTE)
    assert (await showup.reconcile())["healed"] == {"created": 1}
    world.cancel(booking.uid)
    world.advance(MINUTE)
    assert (await showup.reconcile())["healed"] == {}
    world.advance(2 * MINUTE)
    assert (await showup.reconcile())["healed"] == {"cancelled": 1}


async def test_a_mark_of_absence_has_the_grace_too_though_the_api_says_no_time_of_it(
    world: World, showup: Showup
) -> None:
    """Given a mark whose webhook comes a minute later, and one whose webhook never comes."""
    heard, missed = booked(world), booked(world, in_=2 * DAY + HOUR)
    courier = Courier(world, showup.receive, secret="")
    world.advance(2 * DAY + 3 * HOUR)
    await courier.deliver_all()
    world.mark_absent(heard.uid, {ANN.email: True})
    on_its_way = world.last
    world.mark_absent(missed.uid, {ANN.email: True})
    pause = showup.clock.pause

    async def meanwhile(seconds: float) -> None:
        await showup.receive(on_its_way[0].body)
        await pause(seconds)

    showup.reconciler = showup.another(pause=meanwhile)
    assert (await showup.reconcile())["healed"] == {"absence": 1}
    standing = (await showup.standing())["bookings"]
    assert [standing[one.uid]["attended"] for one in (heard, missed)] == [False, False]


async def test_what_a_mark_for_an_unknown_booking_needs_is_fetched(world: World, opening: Opening) -> None:
    """The booking is older than the account, so that only its uid leads to it."""
    booking = booked(world)
    world.advance(5 * DAY)
    showup = await opening()
    world.mark_absent(booking.uid, {ANN.email: True})
    await showup.receive(world.last[0].body)
    await showup.apply()
    world.advance(10 * MINUTE)
    assert (await showup.reconcile())["healed"] == {"created": 1, "ended": 1}
    assert (await showup.standing())["bookings"][booking.uid]["attended"] is False


async def test_a_rescheduled_old_booking_is_no_cancellation(world: World, showup: Showup) -> None:
    old = booked(world)
    new = world.reschedule(old.uid, old.start_at + DAY)
    world.advance(10 * MINUTE)
    assert (await showup.reconcile())["healed"] == {"created": 1, "rescheduled": 1}
    standing = (await showup.standing())["bookings"]
    assert {uid: (one["status"], one["uids"]) for uid, one in standing.items()} == {
        new.uid: ("ACCEPTED", sorted([old.uid, new.uid]))
    }


async def test_a_wish_for_another_time_that_came_as_two_webhooks_is_one_booking(world: World, showup: Showup) -> None:
    """Its REQUESTED names the old booking and is lost; its CREATED names none."""
    old = booked(world, confirmation=True)
    world.confirm(old.uid)
    for news in world.said:
        await showup.receive(news.body)
    new = world.reschedule(old.uid, old.start_at + DAY)
    world.advance(HOUR)
    world.confirm(new.uid)
    await showup.receive(world.last[0].body)
    world.advance(10 * MINUTE)
    assert (await showup.reconcile())["healed"] == {"rescheduled": 1}
    standing = (await showup.standing())["bookings"]
    assert [(one["uid"], one["status"], one["reschedule_count"]) for one in standing.values()] == [
        (new.uid, "ACCEPTED", 1)
    ]


async def test_a_host_who_asks_for_another_time_cancels_no_deal(world: World, showup: Showup) -> None:
    booking = booked(world)
    await showup.receive(world.last[0].body)
    world.request_reschedule(booking.uid)
    world.advance(10 * MINUTE)
    assert (await showup.reconcile())["healed"] == {"cancelled": 1}
    standing = await showup.standing()
    assert standing["bookings"][booking.uid]["status"] == "CANCELLED"
    assert [deal["status"] for deal in standing["deals"].values()] == ["active"]


async def test_what_no_news_puts_right_is_reported_and_never_repeated(world: World, showup: Showup) -> None:
    """Given a cancellation that Cal.com knows nothing of, as after a restored backup."""
    booking = booked(world)
    created = world.last[0].body
    world.cancel(booking.uid)
    for body in (created, world.last[0].body):
        await showup.receive(body)
    booking.status, booking.cancellation_reason, booking.cancelled_by = "ACCEPTED", None, None
    world.advance(10 * MINUTE)
    for _ in range(2):
        told = await showup.reconcile()
        assert told["healed"] == {}
        assert {(one["uid"], one["kind"], one["ours"]) for one in told["drift"]} == {
            (booking.uid, "accepted", "CANCELLED")
        }
    assert await showup.rows("SELECT 1 FROM calcom_events WHERE origin = 'reconcile'") == []


async def test_what_people_said_here_is_not_taken_back(world: World, showup: Showup) -> None:
    """A guest whom nobody marked at Cal.com, and of whom somebody here said that they did not come."""
    booking = booked(world, in_=HOUR)
    world.advance(3 * HOUR)
    for news in world.said:
        await showup.receive(news.body)
    await showup.apply()
    await showup.report(booking.uid, "no_show")
    world.advance(10 * MINUTE)
    told = await showup.reconcile()
    assert (told["healed"], told["drift"]) == ({}, [])
    assert (await showup.standing())["bookings"][booking.uid]["attended"] is False


async def test_two_processes_ask_once(world: World, far: FarCalcom, showup: Showup) -> None:
    booked(world)
    world.advance(HOUR)

    def lists() -> int:
        # Whose key it is, is asked besides where nobody told of a booking.
        return sum(asked.path == "/v2/bookings" for asked in far.asked)

    before = lists()
    one, other = showup.another(), showup.another()
    await asyncio.gather(one.poll_due(), other.poll_due())
    alone = lists() - before
    await showup.apply()
    assert [run["healed"] for run in await showup.rows("SELECT * FROM reconciliations ORDER BY started_at")][1:] == [
        {"created": 1}
    ]
    world.advance(HOUR)
    await showup.reconciler.poll_due()
    assert lists() - before == 2 * alone


async def test_who_died_over_it_is_followed_by_another_after_a_while(world: World, showup: Showup) -> None:
    """A process that was killed releases nothing."""
    booked(world)
    world.advance(HOUR)
    await showup.rows(
        "UPDATE syncs SET leased_by = gen_random_uuid(), leased_until = :until RETURNING 1",
        until=world.clock() + MINUTE,
    )
    await showup.reconciler.poll_due()
    assert (await showup.last_run())["looked_at"] == 0
    world.advance(2 * MINUTE)
    await showup.reconciler.poll_due()
    assert (await showup.last_run())["looked_at"] > 0


async def test_an_account_is_asked_every_quarter_of_an_hour(world: World, far: FarCalcom, showup: Showup) -> None:
    before = len(far.asked)
    world.advance(14 * MINUTE)
    await showup.reconciler.poll_due()
    assert len(far.asked) == before
    world.advance(MINUTE)
    await showup.reconciler.poll_due()
    assert len(far.asked) > before


async def test_what_was_before_the_account_was_known_is_left_to_a_backfill(world: World, opening: Opening) -> None:
    booked(world)
    world.advance(HOUR)
    showup = await opening()
    world.advance(HOUR)
    assert (await showup.reconcile())["looked_at"] == 0


async def test_meetings_to_which_the_owner_of_the_key_goes_are_none_of_ours(world: World, showup: Showup) -> None:
    """Cal.com lists whatever its user attends: no webhook of ours tells of it, so none was lost."""
    hana, vera = world.add_user("Hana Host", "hana@sellers.example"), world.add_user("Vera", "vera@vendor.example")
    theirs, ours = world.add_event_type("demo", owner=vera), world.add_event_type("call", owner=hana)
    world.book(theirs, Guest("Hana Host", "Hana@sellers.example"), start_at=world.clock() + DAY)
    world.book(theirs, ANN, start_at=world.clock() + 2 * DAY, guests=[hana.email])
    mine = world.book(ours, ANN, start_at=world.clock() + 3 * DAY, guests=[hana.email])
    colleagues = world.book(theirs, ANN, start_at=world.clock() + 4 * DAY)
    world.advance(10 * MINUTE)
    assert (await showup.reconcile())["healed"] == {"created": 2}
    assert (await showup.standing())["bookings"].keys() == {mine.uid, colleagues.uid}
