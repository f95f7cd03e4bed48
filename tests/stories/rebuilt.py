"""PI10: what stands follows from the log alone."""

from sqlalchemy.ext.asyncio import AsyncEngine

from showup.inbox.rebuild.run import Wish, rebuild
from tests.stories.tables import WORKSPACE


async def differences(engine: AsyncEngine) -> list[str]:
    """What a rebuild finds to be otherwise, a line each; none, as it should be."""
    found = await rebuild(engine, Wish(workspace_ids=[WORKSPACE]))
    return [str(one) for one in found.examples] or [str(one) for one in found.counts if one.differing]
