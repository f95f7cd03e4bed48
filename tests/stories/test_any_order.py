"""R2, PI9: whatever the order, repetition and batches in which news is worked off, the tables are the same."""

import itertools
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.deals.deal import DealChange
from tests.stories.calendar import LEE, SAM, SARAH, Meeting, Week, heard_in_turn
from tests.stories.desk import Desk
from tests.stories.drawing import Told, weeks
from tests.stories.how_many import STORIES, of_stories
from tests.stories.reading import shown
from tests.stories.rebuilt import differences
from tests.stories.tables import Standing, standing, standing_with_ids, tell


def assert_same(found: Standing, expected: Standing) -> None:
    assert found.keys() == expected.keys()
    for table, rows in expected.items():
        assert found[table] == rows, table


@given(told=weeks(), data=st.data())
@of_stories(120)
async def test_any_order_any_repetition_any_batches(engine: AsyncEngine, told: Told, data: st.DataObject) -> None:
    in_order = told.arrivals
    repeats = data.draw(st.lists(st.sampled_from(in_order), max_size=3))
    mixed = data.draw(st.permutations([*in_order, *repeats]))
    batches = data.draw(st.lists(st.integers(1, 4), max_size=4))
    note(shown(in_order))
    note(f"told as {[in_order.index(one) for one in mixed]} in batches {batches}")
    await tell(engine, in_order, [len(in_order)])
    at_once = await standing(engine)
    assert not [row for row in at_once["calcom_events"] if 'state="failed"' in row]
    await tell(engine, mixed, batches)
    assert_same(await standing(engine), at_once)
    # A rebuild takes longer than all the rest, so the suite looks at every fourth story.
    if STORIES or data.draw(st.integers(0, 3)) == 0:
        assert await differences(engine) == []


@given(told=weeks(), data=st.data())
@of_stories(30)
async def test_ids_follow_from_the_order_in_the_feed_whatever_the_batches(
    engine: AsyncEngine, told: Told, data: st.DataObject
) -> None:
    mixed = heard_in_turn(data.draw(st.permutations(told.arrivals)))
    batches = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    note(shown(mixed))
    note(f"in batches {batches}")
    await tell(engine, mixed)
    one_by_one = await standing_with_ids(engine)
    await tell(engine, mixed, [*batches, len(mixed)])
    assert_same(await standing_with_ids(engine), one_by_one)


async def test_news_by_number_joins_its_booking_in_the_same_batch(engine: AsyncEngine) -> None:
    week = Week()
    meeting = Meeting(week, "beta", [SAM], 2)
    meeting.end_by_number()
    meeting.make()
    await tell(engine, week.arrivals([]))
    one_by_one = await standing(engine)
    await tell(engine, week.arrivals([]), [2])
    assert_same(await standing(engine), one_by_one)
    assert "attended=true" in one_by_one["bookings"][0]


def _chain(week: Week) -> None:
    """Each link between uids comes late in some order, and the cancellation before what it cancels."""
    meeting = Meeting(week, "alpha", [SARAH], 1)
    for deed in (Meeting.make, Meeting.move, Meeting.move, Meeting.cancel):
        deed(meeting)


def _two_bookings(week: Week) -> None:
    """Whose deal the second booking joins depends on the first, and so does what somebody may change of it."""
    first, second, desk = Meeting(week, "alpha", [SARAH], 1), Meeting(week, "beta", [SAM], 2), Desk(week)
    first.make()
    first.cancel()
    second.make()
    desk.change_deal("uid:alpha", DealChange(status="active"), timedelta())


def _two_merges(week: Week) -> None:
    """Only the first of two merges of one person holds; undone, neither does."""
    desk = Desk(week)
    Meeting(week, "alpha", [SARAH], 1).make()
    desk.merge("people", SARAH, SAM.lower())
    desk.merge("people", SARAH, LEE.lower())
    desk.undo_merge(desk.merged[0])


@pytest.mark.parametrize("story", [_chain, _two_bookings, _two_merges])
async def test_every_permutation_of_four(engine: AsyncEngine, story: Callable[[Week], None]) -> None:
    week = Week()
    story(week)
    in_order = week.arrivals([])
    await tell(engine, in_order)
    expected = await standing(engine)
    for mixed in itertools.permutations(in_order):
        await tell(engine, mixed)
        assert_same(await standing(engine), expected)
    assert await differences(engine) == []
