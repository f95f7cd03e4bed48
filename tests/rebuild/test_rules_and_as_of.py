"""PI10: a rebuild tries other rules on the whole history, or shows an earlier time; it changes nothing."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from tests.rebuild.conftest import differing_tables, load_sample_week, run_rebuild


async def test_rules_are_tried_on_all_history(engine: AsyncEngine) -> None:
    await load_sample_week(engine)
    result = await run_rebuild(engine, rules={"personal_domains": ["globex.example"]})
    assert ("companies", "extra", "domain:globex.example") in {
        (one.table, one.kind, one.row) for one in result.examples
    }
    changed = next(one for one in result.examples if one.table == "bookings" and one.row == "booking gamma")
    assert changed.columns == {"company_id": ("globex.example", None), "deal_id": ("deal 1 of globex.example", None)}
    assert "rules" not in {one.table for one in result.examples}
    assert await differing_tables(engine) == set()


async def test_current_rules_change_nothing(engine: AsyncEngine) -> None:
    await load_sample_week(engine)
    assert (await run_rebuild(engine, rules={"cancel_deal": "always"})).differing == 0


async def test_as_of_a_time_only_events_received_by_then_count(engine: AsyncEngine) -> None:
    week = await load_sample_week(engine)
    arrivals = week.received_bodies([timedelta()])
    result = await run_rebuild(engine, as_of=arrivals[3].received_at)
    assert (result.events, result.skipped) == (4, {"later": len(arrivals) - 4})
    counts = {one.table: (one.current, one.replayed) for one in result.counts}
    assert counts["bookings"] == (4, 4)
    assert counts["inbox_events"] == (4, 4)
    moved = next(one for one in result.examples if one.table == "bookings" and "alpha" in one.row)
    assert moved.columns["reschedule_count"] == ("1", "0")
    assert await differing_tables(engine) == set()


async def test_as_of_the_beginning_there_is_no_data(engine: AsyncEngine) -> None:
    week = await load_sample_week(engine)
    result = await run_rebuild(engine, as_of=week.received_bodies([])[0].received_at - timedelta(seconds=1))
    assert result.events == 0
    assert {one.replayed for one in result.counts} == {0}


async def test_as_of_now_equals_current_data(engine: AsyncEngine) -> None:
    week = await load_sample_week(engine)
    assert (await run_rebuild(engine, as_of=week.now + timedelta(days=1))).differing == 0


async def test_a_stream_may_span_several_pages(engine: AsyncEngine) -> None:
    await load_sample_week(engine)
    for page_size in (1, 2, 3, 5):
        for by_stream in (True, False):
            assert await differing_tables(engine, page_size=page_size, by_stream=by_stream) == set()
