"""R2, PI10: a rebuild shows no difference, for any history in any order of arrival.

This holds for any page size, with and without grouping by booking.
"""

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.histories.history_format import format_history
from tests.histories.hypothesis_settings import MAX_BODIES, REBUILD, history_settings
from tests.histories.strategies import DrawnHistory, histories
from tests.histories.table_contents import apply_history
from tests.rebuild.conftest import run_rebuild


@given(week=histories(), data=st.data())
@history_settings(batches=MAX_BODIES + 2 * REBUILD)
async def test_a_rebuild_shows_no_difference(engine: AsyncEngine, week: DrawnHistory, data: st.DataObject) -> None:
    arrivals = data.draw(st.permutations(week.bodies))
    await apply_history(engine, arrivals, data.draw(st.lists(st.integers(1, 4), max_size=4)))
    for by_stream, page_size in ((True, 1000), (data.draw(st.booleans()), data.draw(st.integers(1, 4)))):
        result = await run_rebuild(engine, by_stream=by_stream, page_size=page_size)
        assert result.events > 0
        assert result.examples == [], f"by_stream={by_stream}, page_size={page_size}\n{format_history(arrivals)}"
