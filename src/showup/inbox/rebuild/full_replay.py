"""Replays the log of every workspace of the rebuild into the shadow tables."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID, uuid4

import asyncpg
import msgspec

from showup.inbox.rebuild import compare, shadow
from showup.inbox.rebuild.compare import STATEMENT_TIMEOUT
from showup.inbox.rebuild.options import RebuildOptions
from showup.inbox.rebuild.workspace_replay import Progress, StatisticsRefresh, replay_workspace

# Sorts after every order key, so that trial rules win over all earlier changes.
_LAST_ORDER_KEY: Final = "~"


async def replay_all(
    connection: asyncpg.Connection, live_schema: str, options: RebuildOptions, on_start: Progress, on_progress: Progress
) -> tuple[int, int]:
    """Replays the log; returns the number of events, and how many unreadable or ignored ones are readable today.

    The result does not depend on the log's own record of which events belong together, although the pages are built
    from it: where that record proves wrong, everything is replayed again without it. `live_schema`: the schema of the
    current data.
    """
    counts = await _replay_once(connection, live_schema, options, on_start, on_progress, by_stream=options.by_stream)
    if options.by_stream and options.as_of is None and await compare.has_misplaced_events(connection, live_schema):
        # The pages were built from the log's own record of which events belong together, and that record is wrong.
        await shadow.clear_shadow(connection)
        return await _replay_once(connection, live_schema, options, on_start, on_progress, by_stream=False)
    return counts


async def _replay_once(
    connection: asyncpg.Connection,
    live_schema: str,
    options: RebuildOptions,
    on_start: Progress,
    on_progress: Progress,
    *,
    by_stream: bool,
) -> tuple[int, int]:
    events = await shadow.order_events(
        connection, live_schema, by_stream=by_stream, until=options.as_of, time_limit=STATEMENT_TIMEOUT
    )
    on_start(events)
    newly_readable, statistics = 0, StatisticsRefresh()
    with _reduced_gc():
        async with connection.transaction():
            # PostgreSQL itself stops a replay that writes outside its shadow tables.
            await connection.execute("SET TRANSACTION READ ONLY")
            for workspace_id in options.workspace_ids:
                trial_event_id = await _insert_trial_rules(connection, workspace_id, options)
                newly_readable += await replay_workspace(
                    connection, live_schema, workspace_id, statistics, on_progress, page_size=options.page_size
                )
                await connection.execute("DELETE FROM pg_temp.rules WHERE event_id = $1", trial_event_id)
            await shadow.analyze_shadow(connection)
    return events, newly_readable


@contextmanager
def _reduced_gc() -> Iterator[None]:
    """Runs the garbage collector less often: a replay creates many small objects and no cycles.

    Searching for cycles as often as usual takes a fifth of its time. It never searches the objects that exist already.
    """
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1_000)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


async def _insert_trial_rules(connection: asyncpg.Connection, workspace_id: UUID, options: RebuildOptions) -> UUID:
    """Inserts the trial rules where the replay reads rules, as if known from the beginning; returns their event."""
    event_id = uuid4()
    if options.rules:
        await connection.execute(
            "INSERT INTO pg_temp.rules (event_id, workspace_id, order_key, changes, actor, at) "
            "VALUES ($1, $2, $3, $4, 'rebuild', 'epoch')",
            event_id,
            workspace_id,
            _LAST_ORDER_KEY,
            msgspec.json.encode(options.rules).decode(),
        )
    return event_id
