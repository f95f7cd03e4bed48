"""R2, PI9: announcements to subscribers are the same in any order of arrival, and in a rebuild."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import driver_connection, transaction
from showup.events.kinds import AnnouncementKind
from showup.outbox.subscriptions import subscribe
from tests.histories.calcom_week import ReceivedBody
from tests.histories.history_format import format_history
from tests.histories.hypothesis_settings import MAX_BODIES, REBUILD, history_settings
from tests.histories.strategies import DrawnHistory, histories
from tests.histories.table_contents import WORKSPACE, apply_batch, reset_database
from tests.rebuild.conftest import fetch_rows, run_rebuild

ALL_ANNOUNCEMENTS = get_args(AnnouncementKind)
_PLANNED_DELIVERIES = """
    SELECT destination, key, kind, recipient, state, because, due_at, expires_at, details FROM deliveries
    WHERE destination IN ('clickup', 'slack') ORDER BY destination, key
"""


async def receive_subscribed(engine: AsyncEngine, arrivals: Sequence[ReceivedBody], connected_at: datetime) -> None:
    """Applies the events one by one: Slack is subscribed from the beginning, ClickUp to all kinds from `connected_at`.

    In the hour before, ClickUp is subscribed to nothing. The clock decides who is subscribed, not the order of arrival.
    """
    await reset_database(engine)
    first = min(arrival.received_at for arrival in arrivals) - timedelta(days=1)
    async with transaction(engine) as tx:
        connection = await driver_connection(tx)
        await subscribe(connection, WORKSPACE, "slack", ALL_ANNOUNCEMENTS, first)
        await subscribe(connection, WORKSPACE, "clickup", ["booking.created"], first)
        await subscribe(connection, WORKSPACE, "clickup", [], connected_at - timedelta(hours=1))
        await subscribe(connection, WORKSPACE, "clickup", ALL_ANNOUNCEMENTS, connected_at)
    for arrival in arrivals:
        await apply_batch(engine, [arrival])


@given(week=histories(), data=st.data())
@history_settings(batches=2 * MAX_BODIES + REBUILD)
async def test_the_same_is_announced_in_any_order_and_by_a_rebuild(
    engine: AsyncEngine, week: DrawnHistory, data: st.DataObject
) -> None:
    connected_at = data.draw(st.sampled_from(sorted(one.received_at for one in week.bodies)))
    await receive_subscribed(engine, week.bodies, connected_at)
    expected = [dict(row) for row in await fetch_rows(engine, _PLANNED_DELIVERIES)]
    arrivals = data.draw(st.permutations(week.bodies))
    await receive_subscribed(engine, arrivals, connected_at)
    assert [dict(row) for row in await fetch_rows(engine, _PLANNED_DELIVERIES)] == expected, format_history(arrivals)
    result = await run_rebuild(engine, page_size=data.draw(st.integers(1, 4)))
    assert result.examples == [], format_history(arrivals)
