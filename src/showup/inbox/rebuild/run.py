"""Runs one rebuild in one transaction: replays the log, compares the result, and on request repairs the data."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.campaigns.leads_store import lock_leads
from showup.inbox.apply import lock_key
from showup.inbox.rebuild import compare, shadow
from showup.inbox.rebuild.compare import STATEMENT_TIMEOUT, TableCount
from showup.inbox.rebuild.differences import RebuildDifference, describe_differences
from showup.inbox.rebuild.full_replay import replay_all
from showup.inbox.rebuild.options import RebuildOptions
from showup.inbox.rebuild.table_repair import repair_tables
from showup.inbox.rebuild.workspace_replay import Progress
from showup.values.counted import counted


class RebuildResult(Struct, frozen=True, kw_only=True):
    """The result of a rebuild. `events` were replayed or read again; `skipped` counts the others by their state.

    `newly_readable`: how many ignored or unreadable events would be read otherwise today.
    """

    events: int
    skipped: dict[str, int]
    newly_readable: int
    counts: list[TableCount]
    examples: list[RebuildDifference]

    @property
    def differing(self) -> int:
        """Returns how many rows differ, or differed before the repair."""
        return sum(count.differing for count in self.counts)


class RepairIncomplete(Exception):
    """The repair left differences, so nothing was changed: a bug."""


def _ignore_progress(_: int) -> None:
    pass


async def rebuild(
    engine: AsyncEngine,
    options: RebuildOptions,
    *,
    on_start: Progress = _ignore_progress,
    on_progress: Progress = _ignore_progress,
    prepare: Callable[[asyncpg.Connection], Awaitable[object]] | None = None,
) -> RebuildResult:
    """Replays, compares and, if requested, repairs.

    `on_start` gets the number of events, `on_progress` that of each step. Current data changes only when `applied` is
    set; the workspaces' projectors then wait until the rebuild is over. `prepare` changes the log before, in the same
    transaction.
    """
    assert not (options.applied and (options.rules or options.as_of)), (
        "a replay with trial rules or of an earlier time can't be applied"
    )
    async with _open_connection(engine, options) as connection:
        if prepare is not None:
            await prepare(connection)
        live_schema = await shadow.create_shadow(connection, options.workspace_ids)
        events, newly_readable = await replay_all(connection, live_schema, options, on_start, on_progress)
        await compare.mark_differences(connection, live_schema)
        counts = await compare.count_differences(connection, live_schema)
        examples = await describe_differences(
            connection, live_schema, await compare.fetch_examples(connection, live_schema, options.max_examples)
        )
        skipped = await _count_skipped(connection, live_schema, options)
        if options.applied:
            await _repair(connection, live_schema)
        return RebuildResult(
            events=events, skipped=skipped, newly_readable=newly_readable, counts=counts, examples=examples
        )


@asynccontextmanager
async def _open_connection(engine: AsyncEngine, options: RebuildOptions) -> AsyncIterator[asyncpg.Connection]:
    """Opens a connection of its own in a transaction: with a snapshot, or with locks on the data to be replaced."""
    async with engine.connect() as engine_connection:
        autocommit = await engine_connection.execution_options(isolation_level="AUTOCOMMIT")
        driver: asyncpg.Connection = (await autocommit.get_raw_connection()).driver_connection
        try:
            async with driver.transaction(isolation="read_committed" if options.applied else "repeatable_read"):
                # Imports take the lock on leads first too.
                for workspace_id in sorted(options.workspace_ids) if options.with_leads else ():
                    await lock_leads(driver, workspace_id)
                for key in sorted(lock_key(one) for one in options.workspace_ids) if options.applied else ():
                    await driver.execute("SELECT pg_advisory_xact_lock($1)", key, timeout=STATEMENT_TIMEOUT)
                yield driver
        finally:
            # The connection is set up for the rebuild alone, and its plans are for tables that are gone.
            await engine_connection.invalidate()


async def _count_skipped(connection: asyncpg.Connection, live_schema: str, options: RebuildOptions) -> dict[str, int]:
    """Counts events that were not replayed: unprocessed, refused, duplicates, or later than requested."""
    rows = await connection.fetch(
        f"""
        SELECT CASE WHEN $1::timestamptz < coalesce(e.replayed_at, e.received_at) THEN 'later' ELSE e.state END AS why,
               count(*) AS many
        FROM {live_schema}.inbox_events e JOIN rebuilding USING (workspace_id)
        WHERE e.state NOT IN ('applied', 'waiting') OR $1::timestamptz < coalesce(e.replayed_at, e.received_at)
        GROUP BY 1
        """,  # noqa: S608  # a quoted name
        options.as_of,
        timeout=STATEMENT_TIMEOUT,
    )
    return {row["why"]: row["many"] for row in rows}


async def _repair(connection: asyncpg.Connection, live_schema: str) -> None:
    await repair_tables(connection, live_schema)
    await compare.mark_differences(connection, live_schema)
    if remaining := await connection.fetchval("SELECT count(*) FROM differing"):
        rows = counted(remaining, "row")
        raise RepairIncomplete(f"{rows} would still differ after the repair, so nothing was changed")
