"""PI9, PI10, PI12: what a story told anew no longer says, nobody keeps, in whatever batches that was heard."""

from collections.abc import Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.stories.calendar import LEE, SAM, Meeting, Week, heard_in_turn
from tests.stories.desk import ACME, GLOBEX, Desk
from tests.stories.rebuilt import differences
from tests.stories.tables import standing_with_ids, tell

# In which order the bodies reach us, and in which batches other than one by one.
Feed = tuple[list[int], list[int]]


def _two_uids_one_of_them_moved(week: Week) -> Feed:
    """PI3: before we hear that two uids are one booking, somebody says whose the second is; then it is gone."""
    meeting = Meeting(week, "beta", [SAM], 2)
    for deed in (Meeting.make, Meeting.move, Meeting.make):
        deed(meeting)
    Desk(week).move_booking("uid:beta-1", GLOBEX, None)
    return [0, 2, 3, 1], [4]


def _two_uids_of_two_companies(week: Week) -> Feed:
    """PI3: the booking that goes was of a company of which the one that stays never was; others know the company."""
    Meeting(week, "gamma", [LEE], 3).make()
    meeting, desk = Meeting(week, "beta", [SAM], 2), Desk(week)
    for deed in (Meeting.make, Meeting.move, Meeting.relocate):
        deed(meeting)
    desk.move_booking("uid:beta", GLOBEX, None)
    desk.move_booking("uid:beta-1", ACME, None)
    return [0, 3, 1, 4, 5, 2], [6]


def _left_while_another_is_told(week: Week) -> Feed:
    """A booking leaves a company in the same batch in which older news of another booking there is heard."""
    gamma, beta, desk = Meeting(week, "gamma", [LEE], 3), Meeting(week, "beta", [SAM], 2), Desk(week)
    gamma.make()
    gamma.relocate()
    beta.make()
    desk.move_booking("uid:beta", GLOBEX, None)
    desk.move_booking("uid:beta", ACME, None)
    return [0, 2, 3, 1, 4], [3, 2]


def _moved_there_twice(week: Week) -> Feed:
    """The second time changes nothing, and the company was spoken of both times."""
    Meeting(week, "beta", [SAM], 2).make()
    for _ in range(2):
        Desk(week).move_booking("uid:beta", GLOBEX, None)
    return [0, 2, 1], [3]


@pytest.mark.parametrize(
    "story", [_two_uids_one_of_them_moved, _two_uids_of_two_companies, _left_while_another_is_told, _moved_there_twice]
)
async def test_what_a_story_no_longer_says_is_gone_in_any_batches(
    engine: AsyncEngine, story: Callable[[Week], Feed]
) -> None:
    week = Week()
    feed, batches = story(week)
    heard = heard_in_turn([week.arrivals([])[place] for place in feed])
    await tell(engine, heard, batches)
    in_batches = await standing_with_ids(engine)
    assert not [row for row in in_batches["calcom_events"] if 'state="failed"' in row]
    await tell(engine, heard)
    assert await standing_with_ids(engine) == in_batches
    assert await differences(engine) == []
