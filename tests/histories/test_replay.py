"""PI9, PI10, PI12: a replay removes the data that the history no longer supports, in any batches."""

from collections.abc import Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.histories.calcom_week import LEE, SAM, SARAH, Meeting, Week, received_in_order
from tests.histories.operator_commands import ACME, GLOBEX, Operator
from tests.histories.rebuild_check import rebuild_differences
from tests.histories.table_contents import apply_history, table_contents_with_ids

# The order in which the bodies arrive, and the sizes of their batches.
FeedOrder = tuple[list[int], list[int]]


def _two_uids_one_of_them_moved(week: Week) -> FeedOrder:
    """PI3: a command moves the second of two uids, then a webhook makes them one booking."""
    meeting = Meeting(week, "beta", [SAM], 2)
    for change in (Meeting.create, Meeting.reschedule, Meeting.create):
        change(meeting)
    Operator(week).move_booking("uid:beta-1", GLOBEX, None)
    return [0, 2, 3, 1], [4]


def _two_uids_of_two_companies(week: Week) -> FeedOrder:
    """PI3: two uids of different companies become one booking; other events name the companies too."""
    Meeting(week, "gamma", [LEE], 3).create()
    meeting, operator = Meeting(week, "beta", [SAM], 2), Operator(week)
    for change in (Meeting.create, Meeting.reschedule, Meeting.relocate):
        change(meeting)
    operator.move_booking("uid:beta", GLOBEX, None)
    operator.move_booking("uid:beta-1", ACME, None)
    return [0, 3, 1, 4, 5, 2], [6]


def _left_while_another_is_replayed(week: Week) -> FeedOrder:
    """A booking leaves a company in the same batch in which an older event of another booking there arrives."""
    gamma, beta, operator = Meeting(week, "gamma", [LEE], 3), Meeting(week, "beta", [SAM], 2), Operator(week)
    gamma.create()
    gamma.relocate()
    beta.create()
    operator.move_booking("uid:beta", GLOBEX, None)
    operator.move_booking("uid:beta", ACME, None)
    return [0, 2, 3, 1, 4], [3, 2]


def _moved_there_twice(week: Week) -> FeedOrder:
    """The second move changes nothing, but both moves name the company."""
    Meeting(week, "beta", [SAM], 2).create()
    for _ in range(2):
        Operator(week).move_booking("uid:beta", GLOBEX, None)
    return [0, 2, 1], [3]


def _left_a_company_that_a_merged_person_names(week: Week) -> FeedOrder:
    """The merged person works at the other company, but one of their addresses still names this one."""
    Meeting(week, "alpha", [SARAH, "guest@globex.example"], 1).create()
    Operator(week).merge("people", SARAH, "guest@globex.example")
    Meeting(week, "gamma", [LEE], 3).create()
    Operator(week).move_booking("uid:gamma", ACME, None)
    return [0, 1, 2, 3], [1, 1, 1, 1]


def _left_a_company_that_a_corrected_person_names(week: Week) -> FeedOrder:
    """A person is recorded at one company and later at another; the first is still the one that was named first."""
    operator = Operator(week)
    operator.record_person(SARAH, company=GLOBEX)
    operator.record_person(SARAH, company=ACME)
    Meeting(week, "gamma", [LEE], 3).create()
    operator.move_booking("uid:gamma", ACME, None)
    return [0, 1, 2, 3], [1, 1, 1, 1]


def _lost_the_only_address_that_names_a_company(week: Week) -> FeedOrder:
    """A late event shows that the merged person's second address was never invited."""
    meeting = Meeting(week, "alpha", [SARAH, "guest@globex.example"], 1)
    meeting.create()
    Operator(week).merge("people", "guest@globex.example", SARAH)
    meeting.emails = [SARAH]
    meeting.reschedule()
    return [0, 1, 2], [1, 1, 1]


@pytest.mark.parametrize(
    "build_history",
    [
        _two_uids_one_of_them_moved,
        _two_uids_of_two_companies,
        _left_while_another_is_replayed,
        _moved_there_twice,
        _left_a_company_that_a_merged_person_names,
        _left_a_company_that_a_corrected_person_names,
        _lost_the_only_address_that_names_a_company,
    ],
)
async def test_a_replay_removes_outdated_data_in_any_batches(
    engine: AsyncEngine, build_history: Callable[[Week], FeedOrder]
) -> None:
    week = Week()
    feed, batches = build_history(week)
    received = received_in_order([week.received_bodies([])[index] for index in feed])
    await apply_history(engine, received, batches)
    in_batches = await table_contents_with_ids(engine)
    assert not [row for row in in_batches["inbox_events"] if 'state="failed"' in row]
    await apply_history(engine, received)
    assert await table_contents_with_ids(engine) == in_batches
    assert await rebuild_differences(engine) == []
