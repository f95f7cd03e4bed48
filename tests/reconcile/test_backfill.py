"""A backfill imports history within the limits of Cal.com's API and notifies no one (IN8, PI13)."""

import asyncio
import os
import sys
import tracemalloc
from datetime import datetime, timedelta

import pytest

from showup.reconcile.reconciler import BackfillResult
from showup.sources.calcom.api_errors import CalcomUnavailable
from tests.fake_calcom.history import fill_history, generate_history
from tests.fake_calcom.rows import FIRST_DAY, Guest
from tests.fake_calcom.server import FakeCalcom
from tests.fake_calcom.world import World
from tests.reconcile.conftest import OpenShowup
from tests.reconcile.showup_instance import ShowupInstance, differences

# A long history takes minutes: SHOWUP_TEST_HISTORY=20000.
HISTORY = int(os.environ.get("SHOWUP_TEST_HISTORY", "700"))
PAGE = 100


async def run_backfill(
    showup: ShowupInstance, since: datetime = FIRST_DAY, until: datetime | None = None
) -> BackfillResult:
    (account,) = await showup.reconciler.accounts()
    await register_account_now(showup)
    found = await showup.reconciler.backfill(account, since, until or showup.clock(), lambda _many: None)
    await showup.apply()
    return found


async def register_account_now(showup: ShowupInstance) -> None:
    """Sets the account's start to now, so that all earlier bookings are history."""
    await showup.rows("UPDATE syncs SET began_at = :now RETURNING 1", now=showup.clock())


async def test_a_backfill_equals_webhooks_and_sends_nothing(world: World, open_showup: OpenShowup) -> None:
    generate_history(world, seed=3, bookings=80, silent=False)
    world.move_by(timedelta(hours=1))
    by_webhooks, by_backfill = await open_showup(), await open_showup()
    for webhook in world.sent_webhooks:
        await by_webhooks.receive(webhook.body)
    await by_webhooks.apply()
    found = await run_backfill(by_backfill)
    assert found.looked_at >= len(world.bookings)
    statuses = [
        {uid: (one["status"], one["start_time"], one["attended"]) for uid, one in each["bookings"].items()}
        for each in (await by_backfill.load_state(), await by_webhooks.load_state())
    ]
    assert statuses[0] == statuses[1]
    assert await by_backfill.rows("SELECT 1 FROM deliveries WHERE state <> 'skipped'") == []
    assert await by_backfill.find_rebuild_differences() == []
    assert {one["origin"] for one in await by_backfill.rows("SELECT DISTINCT origin FROM inbox_events")} == {"backfill"}


async def test_a_backfill_of_a_recent_booking_sends_nothing(world: World, showup: ShowupInstance) -> None:
    host = world.add_user("Hana Host", "hana@sellers.example")
    kind = world.add_event_type("call", owner=host)
    world.book(kind, Guest("Ann", "ann@acme.example"), start_at=world.clock() + timedelta(days=3))
    world.move_by(timedelta(minutes=5))
    await run_backfill(showup)
    assert list((await showup.load_state())["people"]) == ["ann@acme.example"]
    assert await showup.rows("SELECT 1 FROM deliveries") == []


async def test_a_backfill_ends_where_polling_began(world: World, showup: ShowupInstance) -> None:
    """A booking made after polling began is new; imported as history, it would cause no notifications."""
    host = world.add_user("Hana Host", "hana@sellers.example")
    kind = world.add_event_type("call", owner=host)
    (account,) = await showup.reconciler.accounts()
    await register_account_now(showup)
    world.move_by(timedelta(minutes=1))
    world.book(kind, Guest("Ann", "ann@acme.example"), start_at=world.clock() + timedelta(days=3))
    world.move_by(timedelta(hours=1))
    found = await showup.reconciler.backfill(account, FIRST_DAY, showup.clock(), lambda _many: None)
    assert found.repaired == {}
    await showup.reconcile()
    assert {one["state"] for one in await showup.rows("SELECT state FROM deliveries WHERE kind = 'confirmation'")} == {
        "scheduled"
    }


async def test_a_repeated_backfill_changes_nothing(world: World, showup: ShowupInstance) -> None:
    generate_history(world, seed=4, bookings=40)
    world.move_by(timedelta(hours=1))
    await run_backfill(showup)
    before = await showup.rows("SELECT count(*) FROM inbox_events")
    assert (await run_backfill(showup)).repaired == {}
    assert await showup.rows("SELECT count(*) FROM inbox_events") == before


async def test_a_booking_rescheduled_out_of_the_range_is_followed(world: World, showup: ShowupInstance) -> None:
    host = world.add_user("Hana Host", "hana@sellers.example")
    kind = world.add_event_type("call", owner=host)
    old = world.book(kind, Guest("Ann", "ann@acme.example"), start_at=world.clock() + timedelta(days=3))
    until = world.clock() + timedelta(hours=1)
    world.move_by(timedelta(days=1))
    new = world.reschedule(old.uid, old.start_at + timedelta(days=9))
    world.move_by(timedelta(hours=1))
    await run_backfill(showup, until=until)
    assert list((await showup.load_state())["bookings"]) == [new.uid]


async def test_a_killed_backfill_resumes(world: World, fake_calcom: FakeCalcom, open_showup: OpenShowup) -> None:
    fill_history(world, bookings=HISTORY)
    world.move_by(timedelta(hours=1))
    showup, complete = await open_showup(), await open_showup()
    await showup.rows("DELETE FROM reconciliations RETURNING 1")
    asked = len(fake_calcom.requests)
    span = (FIRST_DAY.isoformat(), world.clock().isoformat())
    child = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "tests.reconcile.backfill_process",
            showup.url,
            fake_calcom.url,
            fake_calcom.key,
            *span,
        ),
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

    await run_backfill(showup, until=datetime.fromisoformat(span[1]))
    (after,) = await showup.rows("SELECT * FROM reconciliations")
    assert (after["id"], after["state"], after["looked_at"]) == (before["id"], "done", HISTORY)
    pages = [one for one in fake_calcom.requests[asked:] if one.path.endswith("/bookings")]
    assert sum("cursor" not in one.query for one in pages) == 1, "the backfill did not resume"
    assert await showup.rows("SELECT 1 FROM inbox_events WHERE duplicate_of IS NOT NULL") == []
    await run_backfill(complete)
    assert differences(await showup.load_state(), await complete.load_state()) == []


async def test_an_expired_cursor_restarts_the_backfill(
    world: World, fake_calcom: FakeCalcom, showup: ShowupInstance
) -> None:
    fill_history(world, bookings=250)
    world.move_by(timedelta(hours=1))
    until = world.clock()
    fake_calcom.faults.queue(None, None, *["500"] * 4)
    with pytest.raises(CalcomUnavailable):
        await run_backfill(showup, until=until)
    (broken_off,) = await showup.rows(
        """
        UPDATE reconciliations SET place = jsonb_set(place, '{cursor}', '"long ago"') WHERE kind = 'backfill'
        RETURNING looked_at
        """
    )
    assert broken_off["looked_at"] == PAGE
    await run_backfill(showup, until=until)
    assert len((await showup.load_state())["bookings"]) == 250
    assert (await showup.rows("SELECT state FROM reconciliations WHERE kind = 'backfill'")) == [{"state": "done"}]


@pytest.mark.parametrize("most", [3, 55])
async def test_a_backfill_respects_the_rate_limit_in_constant_memory(
    world: World, fake_calcom: FakeCalcom, showup: ShowupInstance, most: int
) -> None:
    # To trace memory makes each booking three times as costly.
    bookings = HISTORY // 2
    fill_history(world, bookings=bookings)
    world.move_by(timedelta(hours=1))
    showup.limit_calls(most)
    (account,) = await showup.reconciler.accounts()
    await register_account_now(showup)
    held: list[int] = []
    tracemalloc.start()
    try:
        await showup.reconciler.backfill(
            account, FIRST_DAY, showup.clock(), lambda _: held.append(tracemalloc.get_traced_memory()[0])
        )
    finally:
        tracemalloc.stop()
    assert fake_calcom.worst_minute() <= most
    assert len((await showup.load_state())["bookings"]) == bookings
    # The caches of the log are bounded, and much smaller than this.
    assert held[-1] - held[1] < 100 * 1024 * 1024
