"""History is taken in, without telling anybody, in the limits of Cal.com's API (IN8, PI13)."""

import asyncio
import os
import sys
import tracemalloc
from datetime import datetime, timedelta

import pytest

from showup.reconcile.reconciler import Found
from showup.sources.calcom.api_faults import CalcomAway
from tests.calcom_far.rows import FIRST_DAY, Guest
from tests.calcom_far.server import FarCalcom
from tests.calcom_far.weeks import fill, generate
from tests.calcom_far.world import World
from tests.reconcile.conftest import Opening
from tests.reconcile.stage import Showup, differences

# More of them, and it takes minutes: SHOWUP_TEST_HISTORY=20000.
HISTORY = int(os.environ.get("SHOWUP_TEST_HISTORY", "700"))
PAGE = 100


async def backfilled(showup: Showup, since: datetime = FIRST_DAY, until: datetime | None = None) -> Found:
    (account,) = await showup.reconciler.accounts()
    await known_just_now(showup)
    found = await showup.reconciler.backfill(account, since, until or showup.clock(), lambda _many: None)
    await showup.apply()
    return found


async def known_just_now(showup: Showup) -> None:
    """Its key came a moment ago: all that was booked by now is history."""
    await showup.rows("UPDATE syncs SET began_at = :now RETURNING 1", now=showup.clock())


async def test_history_stands_as_if_it_had_been_told_and_nobody_hears_of_it(world: World, opening: Opening) -> None:
    generate(world, seed=3, bookings=80, silent=False)
    world.advance(timedelta(hours=1))
    told, asked = await opening(), await opening()
    for news in world.said:
        await told.receive(news.body)
    await told.apply()
    found = await backfilled(asked)
    assert found.looked_at >= len(world.bookings)
    statuses = [
        {uid: (one["status"], one["start_time"], one["attended"]) for uid, one in each["bookings"].items()}
        for each in (await asked.standing(), await told.standing())
    ]
    assert statuses[0] == statuses[1]
    assert await asked.rows("SELECT 1 FROM deliveries WHERE state <> 'skipped'") == []
    assert await asked.rebuilt() == []
    assert {one["origin"] for one in await asked.rows("SELECT DISTINCT origin FROM calcom_events")} == {"backfill"}


async def test_even_what_was_booked_a_minute_ago_is_told_to_nobody(world: World, showup: Showup) -> None:
    host = world.add_user("Hana Host", "hana@sellers.example")
    kind = world.add_event_type("call", owner=host)
    world.book(kind, Guest("Ann", "ann@acme.example"), start_at=world.clock() + timedelta(days=3))
    world.advance(timedelta(minutes=5))
    await backfilled(showup)
    assert list((await showup.standing())["people"]) == ["ann@acme.example"]
    assert await showup.rows("SELECT 1 FROM deliveries") == []


async def test_what_was_booked_since_the_account_is_compared_is_left_to_that(world: World, showup: Showup) -> None:
    """It is news, and taken in as history it would be told to nobody."""
    host = world.add_user("Hana Host", "hana@sellers.example")
    kind = world.add_event_type("call", owner=host)
    (account,) = await showup.reconciler.accounts()
    await known_just_now(showup)
    world.advance(timedelta(minutes=1))
    world.book(kind, Guest("Ann", "ann@acme.example"), start_at=world.clock() + timedelta(days=3))
    world.advance(timedelta(hours=1))
    found = await showup.reconciler.backfill(account, FIRST_DAY, showup.clock(), lambda _many: None)
    assert found.healed == {}
    await showup.reconcile()
    assert {one["state"] for one in await showup.rows("SELECT state FROM deliveries WHERE kind = 'confirm'")} == {
        "scheduled"
    }


async def test_twice_the_same_history_is_no_news(world: World, showup: Showup) -> None:
    generate(world, seed=4, bookings=40)
    world.advance(timedelta(hours=1))
    await backfilled(showup)
    before = await showup.rows("SELECT count(*) FROM calcom_events")
    assert (await backfilled(showup)).healed == {}
    assert await showup.rows("SELECT count(*) FROM calcom_events") == before


async def test_a_booking_that_moved_out_of_the_span_is_followed(world: World, showup: Showup) -> None:
    host = world.add_user("Hana Host", "hana@sellers.example")
    kind = world.add_event_type("call", owner=host)
    old = world.book(kind, Guest("Ann", "ann@acme.example"), start_at=world.clock() + timedelta(days=3))
    until = world.clock() + timedelta(hours=1)
    world.advance(timedelta(days=1))
    new = world.reschedule(old.uid, old.start_at + timedelta(days=9))
    world.advance(timedelta(hours=1))
    await backfilled(showup, until=until)
    assert list((await showup.standing())["bookings"]) == [new.uid]


async def test_a_backfill_that_was_killed_goes_on_where_it_was(world: World, far: FarCalcom, opening: Opening) -> None:
    fill(world, bookings=HISTORY)
    world.advance(timedelta(hours=1))
    showup, whole = await opening(), await opening()
    await showup.rows("DELETE FROM reconciliations RETURNING 1")
    asked = len(far.asked)
    span = (FIRST_DAY.isoformat(), world.clock().isoformat())
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.reconcile.backfilling", showup.url, far.url, far.key, *span),
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    for _ in range(3):
        assert await child.stdout.readline() == b"100\n"
    child.kill()
    await child.wait()
    (before,) = await showup.rows("SELECT * FROM reconciliations")
    assert before["state"] == "running"
    assert 3 * PAGE <= before["looked_at"] < HISTORY

    await backfilled(showup, until=datetime.fromisoformat(span[1]))
    (after,) = await showup.rows("SELECT * FROM reconciliations")
    assert (after["id"], after["state"], after["looked_at"]) == (before["id"], "done", HISTORY)
    pages = [one for one in far.asked[asked:] if one.path.endswith("/bookings")]
    assert sum("cursor" not in one.query for one in pages) == 1, "it began anew"
    assert await showup.rows("SELECT 1 FROM calcom_events WHERE duplicate_of IS NOT NULL") == []
    await backfilled(whole)
    assert differences(await showup.standing(), await whole.standing()) == []


async def test_a_place_that_cal_com_no_longer_knows_is_begun_anew(world: World, far: FarCalcom, showup: Showup) -> None:
    fill(world, bookings=250)
    world.advance(timedelta(hours=1))
    until = world.clock()
    far.faults.next(None, None, *["500"] * 4)
    with pytest.raises(CalcomAway):
        await backfilled(showup, until=until)
    (broken_off,) = await showup.rows(
        """
        UPDATE reconciliations SET place = jsonb_set(place, '{cursor}', '"long ago"') WHERE kind = 'backfill'
        RETURNING looked_at
        """
    )
    assert broken_off["looked_at"] == PAGE
    await backfilled(showup, until=until)
    assert len((await showup.standing())["bookings"]) == 250
    assert (await showup.rows("SELECT state FROM reconciliations WHERE kind = 'backfill'")) == [{"state": "done"}]


@pytest.mark.parametrize("most", [3, 55])
async def test_it_never_asks_more_often_than_it_may_and_its_memory_stays_flat(
    world: World, far: FarCalcom, showup: Showup, most: int
) -> None:
    fill(world, bookings=HISTORY)
    world.advance(timedelta(hours=1))
    showup.limit(most)
    (account,) = await showup.reconciler.accounts()
    await known_just_now(showup)
    held: list[int] = []
    tracemalloc.start()
    try:
        await showup.reconciler.backfill(
            account, FIRST_DAY, showup.clock(), lambda _: held.append(tracemalloc.get_traced_memory()[0])
        )
    finally:
        tracemalloc.stop()
    assert far.worst_minute() <= most
    assert len((await showup.standing())["bookings"]) == HISTORY
    # What is remembered of the log is bounded, and small beside this.
    assert held[-1] - held[1] < 100 * 1024 * 1024
