"""A week as it stands after it was heard of in its order, and ways to look at it and to damage it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import raw, transaction
from showup.inbox.rebuild.run import Rebuilt, rebuild
from showup.inbox.rebuild.wish import Wish
from tests.commands.conftest import logging_restored as logging_restored
from tests.commands.conftest import ready as ready
from tests.commands.conftest import showup as showup
from tests.stories.calendar import GUS, LEE, SAM, SARAH, Meeting, Week
from tests.stories.desk import Desk
from tests.stories.tables import WORKSPACE, tell


def a_week() -> Week:
    """Three bookings of two companies, one of a private person: made, moved, held, cancelled; and a report by hand."""
    week = Week()
    first, second = Meeting(week, "alpha", [SARAH], 1), Meeting(week, "beta", [SAM], 2)
    third, fourth = Meeting(week, "gamma", [LEE], 3), Meeting(week, "delta", [GUS], 4)
    for meeting in (first, second, third, fourth):
        meeting.make()
    first.move()
    first.end()
    Desk(week).report(first, first.uid, "showed")
    third.cancel()
    fourth.mark()
    return week


async def told(engine: AsyncEngine) -> Week:
    week = a_week()
    await tell(engine, week.arrivals([timedelta()]))
    return week


async def run(engine: AsyncEngine, **wished: Any) -> Rebuilt:
    return await rebuild(engine, Wish(workspace_ids=[WORKSPACE], **wished))


async def differing(engine: AsyncEngine, **wished: Any) -> set[str]:
    """In which ways rows of which tables differ, such as "deals missing"."""
    found = await run(engine, **wished)
    return {
        f"{one.table} {kind}"
        for one in found.counts
        for kind, many in (("missing", one.missing), ("extra", one.extra), ("changed", one.changed))
        if many
    }


async def rows(engine: AsyncEngine, query: str, *values: Any) -> Sequence[asyncpg.Record]:
    async with transaction(engine) as tx:
        found: Sequence[asyncpg.Record] = await (await raw(tx)).fetch(query, *values)
        return found


async def damage(engine: AsyncEngine, *statements: str) -> None:
    """Changes what stands behind Showup's back."""
    async with transaction(engine) as tx:
        connection = await raw(tx)
        for statement in statements:
            assert not (await connection.execute(statement)).endswith(" 0"), statement
