"""The log of every workspace in question, folded into the shadow."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID, uuid4

import asyncpg
import msgspec

from showup.inbox.rebuild import compare, shadow
from showup.inbox.rebuild.compare import PATIENCE
from showup.inbox.rebuild.fold import Progress, Statistics, fold
from showup.inbox.rebuild.wish import Wish

# Sorts after every order key, so that rules that are tried win over all that were ever made.
_LAST: Final = "~"


async def fold_all(
    connection: asyncpg.Connection, real: str, wish: Wish, begun: Progress, told: Progress
) -> tuple[int, int]:
    """How many events there were, and how many of those set aside would be read otherwise today. `real`: what stands.

    What is folded does not depend on the log's own record of which events belong together, though the pages are made
    by it: where it proves wrong, all is folded again without it.
    """
    found = await _fold_once(connection, real, wish, begun, told, by_story=wish.by_story)
    if wish.by_story and wish.as_of is None and await compare.misplaced(connection, real):
        # The log's own idea of which events belong together made the pages, and it is wrong somewhere.
        await shadow.clear(connection)
        return await _fold_once(connection, real, wish, begun, told, by_story=False)
    return found


async def _fold_once(
    connection: asyncpg.Connection, real: str, wish: Wish, begun: Progress, told: Progress, *, by_story: bool
) -> tuple[int, int]:
    events = await shadow.line_up(connection, real, by_story=by_story, until=wish.as_of, within=PATIENCE)
    begun(events)
    otherwise, statistics = 0, Statistics()
    with _seldom_collected():
        async with connection.transaction():
            # A fold that reached past its shadow would be stopped by PostgreSQL itself.
            await connection.execute("SET TRANSACTION READ ONLY")
            for workspace_id in wish.workspace_ids:
                tried = await _try_rules(connection, workspace_id, wish)
                otherwise += await fold(connection, real, workspace_id, statistics, told, page=wish.page)
                await connection.execute("DELETE FROM pg_temp.rules WHERE event_id = $1", tried)
            await shadow.take_stock(connection)
    return events, otherwise


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """A fold makes many small objects and no cycles; looking for cycles as often as usual takes a fifth of its time."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1_000)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


async def _try_rules(connection: asyncpg.Connection, workspace_id: UUID, wish: Wish) -> UUID:
    """Puts the rules that are tried where the fold looks for rules; under which event's id."""
    event_id = uuid4()
    if wish.rules:
        await connection.execute(
            "INSERT INTO pg_temp.rules (event_id, workspace_id, order_key, changes, actor, at) "
            "VALUES ($1, $2, $3, $4, 'rebuild', now())",
            event_id,
            workspace_id,
            _LAST,
            msgspec.json.encode(wish.rules).decode(),
        )
    return event_id
