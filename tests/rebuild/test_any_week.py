"""R2, PI10: whatever happened, in whatever order it was heard of, folding the log again makes what stands.

However the fold divides the log into pages, and whether or not it brings stories together for speed.
"""

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.rebuild.conftest import run
from tests.stories.drawing import Told, weeks
from tests.stories.how_many import of_stories
from tests.stories.reading import shown
from tests.stories.tables import tell


@given(told=weeks(), data=st.data())
@of_stories(15)
async def test_a_rebuild_shows_no_difference(engine: AsyncEngine, told: Told, data: st.DataObject) -> None:
    heard = data.draw(st.permutations(told.arrivals))
    await tell(engine, heard, data.draw(st.lists(st.integers(1, 4), max_size=4)))
    for by_story, page in ((True, 1000), (data.draw(st.booleans()), data.draw(st.integers(1, 4)))):
        found = await run(engine, by_story=by_story, page=page)
        assert found.events > 0
        assert found.examples == [], f"by_story={by_story}, page={page}\n{shown(heard)}"
