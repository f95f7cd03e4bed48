"""R2, PI9: the tables are the same for any order, repetition and batch sizes in which events are applied."""

import itertools
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.deals.deal import DealChange
from tests.histories.calcom_week import LEE, SAM, SARAH, Meeting, Week, received_in_order
from tests.histories.history_format import format_history
from tests.histories.hypothesis_settings import HISTORIES, MAX_BODIES, MAX_REPEATS, history_settings
from tests.histories.operator_commands import ACME, GLOBEX, Operator
from tests.histories.rebuild_check import rebuild_differences
from tests.histories.strategies import DrawnHistory, histories
from tests.histories.table_contents import TableContents, apply_history, table_contents, table_contents_with_ids


def assert_same(found: TableContents, expected: TableContents) -> None:
    assert found.keys() == expected.keys()
    for table, rows in expected.items():
        assert found[table] == rows, table


@given(history=histories(), data=st.data())
# In order it is one batch, and otherwise at most one batch for each body.
@history_settings(batches=1 + MAX_BODIES + MAX_REPEATS)
async def test_any_order_any_repetition_any_batches(
    engine: AsyncEngine, history: DrawnHistory, data: st.DataObject
) -> None:
    in_order = history.bodies
    repeats = data.draw(st.lists(st.sampled_from(in_order), max_size=MAX_REPEATS))
    shuffled = data.draw(st.permutations([*in_order, *repeats]))
    batches = data.draw(st.lists(st.integers(1, 4), max_size=4))
    note(format_history(in_order))
    note(f"applied as {[in_order.index(one) for one in shuffled]} in batches {batches}")
    await apply_history(engine, in_order, [len(in_order)])
    expected = await table_contents(engine)
    assert not [row for row in expected["inbox_events"] if 'state="failed"' in row]
    await apply_history(engine, shuffled, batches)
    assert_same(await table_contents(engine), expected)
    # A rebuild takes longer than the rest of the example. In the suite, tests/rebuild/test_any_week.py tests it.
    if HISTORIES:
        assert await rebuild_differences(engine) == []


@given(history=histories(), data=st.data())
@history_settings(batches=2 * MAX_BODIES)
async def test_ids_depend_on_feed_order_and_not_on_batches(
    engine: AsyncEngine, history: DrawnHistory, data: st.DataObject
) -> None:
    shuffled = received_in_order(data.draw(st.permutations(history.bodies)))
    batches = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    note(format_history(shuffled))
    note(f"in batches {batches}")
    await apply_history(engine, shuffled)
    one_by_one = await table_contents_with_ids(engine)
    await apply_history(engine, shuffled, [*batches, len(shuffled)])
    assert_same(await table_contents_with_ids(engine), one_by_one)


async def test_an_event_by_booking_id_joins_its_booking_in_the_same_batch(engine: AsyncEngine) -> None:
    week = Week()
    meeting = Meeting(week, "beta", [SAM], 2)
    meeting.end_by_number()
    meeting.create()
    await apply_history(engine, week.received_bodies([]))
    one_by_one = await table_contents(engine)
    await apply_history(engine, week.received_bodies([]), [2])
    assert_same(await table_contents(engine), one_by_one)
    assert "attended=true" in one_by_one["bookings"][0]


def _chain(week: Week) -> None:
    """In some orders each link between uids arrives late, or the cancellation arrives before the booking."""
    meeting = Meeting(week, "alpha", [SARAH], 1)
    for change in (Meeting.create, Meeting.reschedule, Meeting.reschedule, Meeting.cancel):
        change(meeting)


def _two_bookings(week: Week) -> None:
    """The first booking decides which deal the second booking joins, and which changes of that deal are allowed."""
    first, second, operator = Meeting(week, "alpha", [SARAH], 1), Meeting(week, "beta", [SAM], 2), Operator(week)
    first.create()
    first.cancel()
    second.create()
    operator.change_deal("uid:alpha", DealChange(status="active"), timedelta())


def _two_merges(week: Week) -> None:
    """Only the first of two merges of one person is valid; after it is undone, neither merge is."""
    operator = Operator(week)
    Meeting(week, "alpha", [SARAH], 1).create()
    operator.merge("people", SARAH, SAM.lower())
    operator.merge("people", SARAH, LEE.lower())
    operator.undo_merge(operator.merge_ids[0])


def _outcome_of_a_request(week: Week) -> None:
    """The first outcome conflicts with its booking, whatever happens to other bookings of the company."""
    requested, booked, operator = Meeting(week, "alpha", [SARAH], 1), Meeting(week, "beta", [SAM], 2), Operator(week)
    requested.request()
    booked.create()
    operator.report_outcome(requested, "alpha", "showed")
    operator.report_outcome(booked, "beta", "showed")


def _outcome_of_a_cancelled_request(week: Week) -> None:
    """The outcome opens the deal and moves it. A later event can change one of the two entries, and not the other."""
    meeting, operator = Meeting(week, "alpha", [SARAH], 1), Operator(week)
    meeting.request()
    operator.report_outcome(meeting, "alpha", "showed")
    meeting.cancel()
    meeting.create()


def _undone_merges_of_recorded_names(week: Week) -> None:
    """Who is only known because a recorded person or company was merged into them is unknown again afterwards."""
    operator = Operator(week)
    operator.record_person(SARAH, name="By Hand")
    operator.merge("people", SARAH, SAM.lower())
    operator.undo_merge(operator.merge_ids[0])


def _undone_merges_of_companies(week: Week) -> None:
    operator = Operator(week)
    operator.record_company(ACME, "Acme")
    operator.merge("companies", ACME, GLOBEX)
    operator.undo_merge(operator.merge_ids[0])


@pytest.mark.parametrize(
    "build_history",
    [
        _chain,
        _two_bookings,
        _two_merges,
        _outcome_of_a_request,
        _outcome_of_a_cancelled_request,
        _undone_merges_of_recorded_names,
        _undone_merges_of_companies,
    ],
)
async def test_every_permutation(engine: AsyncEngine, build_history: Callable[[Week], None]) -> None:
    week = Week()
    build_history(week)
    in_order = week.received_bodies([])
    await apply_history(engine, in_order)
    expected = await table_contents(engine)
    for shuffled in itertools.permutations(in_order):
        await apply_history(engine, shuffled)
        assert_same(await table_contents(engine), expected)
    assert await rebuild_differences(engine) == []
