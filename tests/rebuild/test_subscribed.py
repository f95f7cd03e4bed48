"""R2, PI9: what is announced to those who listen is the same in any order of arrival, and so by a rebuild."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import raw, transaction
from showup.deliveries.subscribing import subscribe
from showup.effects import Announcement
from tests.rebuild.conftest import rows, run
from tests.stories.calendar import Arrival
from tests.stories.drawing import Told, weeks
from tests.stories.how_many import of_stories
from tests.stories.reading import shown
from tests.stories.tables import WORKSPACE, hear, wipe

ALL = get_args(Announcement)
_CALLED_FOR = """
    SELECT destination, key, kind, recipient, state, because, due_at, expires_at, details FROM deliveries
    WHERE destination IN ('clickup', 'slack') ORDER BY destination, key
"""


async def listened(engine: AsyncEngine, arrivals: Sequence[Arrival], connected_at: datetime) -> None:
    """Told one by one while a chat listens from the beginning, and a CRM from then on; it was there for an hour before.

    Who listened when is known by the clock, not by the order in which news was worked off.
    """
    await wipe(engine)
    first = min(one.received_at for one in arrivals) - timedelta(days=1)
    async with transaction(engine) as tx:
        connection = await raw(tx)
        await subscribe(connection, WORKSPACE, "slack", ALL, first)
        await subscribe(connection, WORKSPACE, "clickup", ["booking.created"], first)
        await subscribe(connection, WORKSPACE, "clickup", [], connected_at - timedelta(hours=1))
        await subscribe(connection, WORKSPACE, "clickup", ALL, connected_at)
    for one in arrivals:
        await hear(engine, [one])


@given(told=weeks(), data=st.data())
@of_stories(10)
async def test_the_same_is_announced_in_any_order_and_by_a_rebuild(
    engine: AsyncEngine, told: Told, data: st.DataObject
) -> None:
    connected_at = data.draw(st.sampled_from(sorted(one.received_at for one in told.arrivals)))
    await listened(engine, told.arrivals, connected_at)
    expected = [dict(row) for row in await rows(engine, _CALLED_FOR)]
    heard = data.draw(st.permutations(told.arrivals))
    await listened(engine, heard, connected_at)
    assert [dict(row) for row in await rows(engine, _CALLED_FOR)] == expected, shown(heard)
    found = await run(engine, page=data.draw(st.integers(1, 4)))
    assert found.examples == [], shown(heard)
