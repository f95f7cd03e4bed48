"""M04, PI13: a change of the rules leaves the same tables in whatever order it and the webhooks are applied."""

import itertools
from collections.abc import Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.histories.calcom_week import SAM, SARAH, Meeting, Week
from tests.histories.operator_commands import Operator
from tests.histories.rebuild_check import rebuild_differences
from tests.histories.table_contents import apply_history, table_contents


def _moved(week: Week, change_rules: Callable[[], None]) -> None:
    meeting = Meeting(week, "alpha", [SARAH, SAM], 1)
    meeting.create()
    meeting.reschedule()
    change_rules()


def _moved_afterwards(week: Week, change_rules: Callable[[], None]) -> None:
    meeting = Meeting(week, "alpha", [SARAH, SAM], 1)
    meeting.create()
    change_rules()
    meeting.reschedule()


def _cancelled(week: Week, change_rules: Callable[[], None]) -> None:
    meeting = Meeting(week, "alpha", [SARAH, SAM], 1)
    meeting.create()
    meeting.cancel()
    change_rules()


def _cancelled_afterwards(week: Week, change_rules: Callable[[], None]) -> None:
    meeting = Meeting(week, "alpha", [SARAH, SAM], 1)
    meeting.create()
    change_rules()
    meeting.cancel()


@pytest.mark.parametrize("build_history", [_moved, _moved_afterwards, _cancelled, _cancelled_afterwards])
@pytest.mark.parametrize(
    "changes", [{"team_emails": [SARAH.lower()]}, {"team_emails": [SAM.lower()]}, {"notify_guests": True}]
)
async def test_m04_a_change_of_the_rules_leaves_the_same_tables_in_any_order(
    engine: AsyncEngine, build_history: Callable[[Week, Callable[[], None]], None], changes: dict[str, object]
) -> None:
    week = Week()
    operator = Operator(week)
    build_history(week, lambda: operator.change_rules(changes, None))
    in_order = week.received_bodies([])
    await apply_history(engine, in_order)
    expected = await table_contents(engine)
    for order in itertools.permutations(in_order):
        await apply_history(engine, order)
        found = await table_contents(engine)
        assert found == expected, [in_order.index(one) for one in order]
    assert await rebuild_differences(engine) == []
