"""PI10: other rules are tried on the whole history, and what stood at an earlier moment is shown; nothing changes."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from tests.rebuild.conftest import differing, run, told


async def test_rules_are_tried_on_the_whole_history(engine: AsyncEngine) -> None:
    await told(engine)
    found = await run(engine, rules={"personal_domains": ["globex.example"]})
    assert ("companies", "extra", "domain:globex.example") in {
        (one.table, one.kind, one.which) for one in found.examples
    }
    changed = next(one for one in found.examples if one.table == "bookings" and one.which == "booking gamma")
    assert changed.columns == {"company_id": ("globex.example", None), "deal_id": ("deal 1 of globex.example", None)}
    assert "rules" not in {one.table for one in found.examples}
    assert await differing(engine) == set()


async def test_rules_that_say_what_holds_change_nothing(engine: AsyncEngine) -> None:
    await told(engine)
    assert (await run(engine, rules={"cancel_deal": "always"})).differing == 0


async def test_as_of_a_moment_only_what_had_reached_us_by_then_stands(engine: AsyncEngine) -> None:
    week = await told(engine)
    heard = week.arrivals([timedelta()])
    then = await run(engine, as_of=heard[3].received_at)
    assert (then.events, then.left) == (4, {"later": len(heard) - 4})
    counts = {one.table: (one.stand, one.folded) for one in then.counts}
    assert counts["bookings"] == (4, 4)
    assert counts["calcom_events"] == (4, 4)
    moved = next(one for one in then.examples if one.table == "bookings" and "alpha" in one.which)
    assert moved.columns["reschedule_count"] == ("1", "0")
    assert await differing(engine) == set()


async def test_as_of_the_beginning_nothing_stands(engine: AsyncEngine) -> None:
    week = await told(engine)
    then = await run(engine, as_of=week.arrivals([])[0].received_at - timedelta(seconds=1))
    assert then.events == 0
    assert {one.folded for one in then.counts} == {0}


async def test_as_of_now_is_what_stands(engine: AsyncEngine) -> None:
    week = await told(engine)
    assert (await run(engine, as_of=week.now + timedelta(days=1))).differing == 0


async def test_more_of_one_story_than_a_page_holds_is_one_story(engine: AsyncEngine) -> None:
    await told(engine)
    for page in (1, 2, 3, 5):
        for by_story in (True, False):
            assert await differing(engine, page=page, by_story=by_story) == set()
