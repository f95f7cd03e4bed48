"""PI10: all data follows from the log alone."""

from sqlalchemy.ext.asyncio import AsyncEngine

from showup.inbox.rebuild.run import RebuildOptions, rebuild
from tests.histories.table_contents import WORKSPACE


async def rebuild_differences(engine: AsyncEngine) -> list[str]:
    """Returns the differences that a rebuild finds, one line each; none are expected."""
    result = await rebuild(engine, RebuildOptions(workspace_ids=[WORKSPACE]))
    return [str(one) for one in result.examples] or [str(one) for one in result.counts if one.differing]
