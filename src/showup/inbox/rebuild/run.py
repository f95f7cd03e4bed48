"""One rebuild: the log folded beside what stands in one transaction, compared, and, if asked, put in its place."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.inbox.apply import lock_key
from showup.inbox.rebuild import compare, shadow
from showup.inbox.rebuild.compare import PATIENCE, Count
from showup.inbox.rebuild.fold import Progress
from showup.inbox.rebuild.restore import restore
from showup.inbox.rebuild.whole import fold_all
from showup.inbox.rebuild.wish import Wish
from showup.inbox.rebuild.words import Differing, in_words


class Rebuilt(Struct, frozen=True, kw_only=True):
    """What came of it. `events` were folded or read again; `left` are others of the log, counted by their state.

    `otherwise`: how many of those that were set aside, ignored or unreadable, would be read otherwise today.
    """

    events: int
    left: dict[str, int]
    otherwise: int
    counts: list[Count]
    examples: list[Differing]

    @property
    def differing(self) -> int:
        """How many rows differ, or differed before they were put right."""
        return sum(one.differing for one in self.counts)


class StillDiffers(Exception):
    """What was to be put right isn't, so nothing was changed: a bug."""


def _nobody(_: int) -> None:
    pass


async def rebuild(engine: AsyncEngine, wish: Wish, *, begun: Progress = _nobody, told: Progress = _nobody) -> Rebuilt:
    """Folds, compares and, if wished, restores. `begun` hears how many events there are, `told` each step.

    What stands changes only by `applied`; then the appliers of these workspaces wait until it is over.
    """
    assert not (wish.applied and (wish.rules or wish.as_of)), "what never was can't be made to stand"
    async with _alone(engine, wish) as connection:
        real = await shadow.cast(connection, wish.workspace_ids)
        events, otherwise = await fold_all(connection, real, wish, begun, told)
        await compare.mark(connection, real)
        counts = await compare.counted(connection, real)
        examples = await in_words(connection, real, await compare.examples(connection, real, wish.most))
        left = await _left(connection, real, wish)
        if wish.applied:
            await _put_right(connection, real)
        return Rebuilt(events=events, left=left, otherwise=otherwise, counts=counts, examples=examples)


@asynccontextmanager
async def _alone(engine: AsyncEngine, wish: Wish) -> AsyncIterator[asyncpg.Connection]:
    """A connection of one's own in a transaction: with a snapshot of all, or holding what is to be replaced."""
    async with engine.connect() as held:
        plain = await held.execution_options(isolation_level="AUTOCOMMIT")
        driver: asyncpg.Connection = (await plain.get_raw_connection()).driver_connection
        try:
            async with driver.transaction(isolation="read_committed" if wish.applied else "repeatable_read"):
                for key in sorted(lock_key(one) for one in wish.workspace_ids) if wish.applied else ():
                    await driver.execute("SELECT pg_advisory_xact_lock($1)", key, timeout=PATIENCE)
                yield driver
        finally:
            # It is set up for this alone, and its plans are made for tables that are gone.
            await held.invalidate()


async def _left(connection: asyncpg.Connection, real: str, wish: Wish) -> dict[str, int]:
    """Events that were not folded: not applied yet, refused, repetitions, or later than asked for."""
    rows = await connection.fetch(
        f"""
        SELECT CASE WHEN $1::timestamptz < coalesce(e.replayed_at, e.received_at) THEN 'later' ELSE e.state END AS why,
               count(*) AS many
        FROM {real}.calcom_events e JOIN rebuilding USING (workspace_id)
        WHERE e.state NOT IN ('applied', 'waiting') OR $1::timestamptz < coalesce(e.replayed_at, e.received_at)
        GROUP BY 1
        """,  # noqa: S608  # a quoted name
        wish.as_of,
        timeout=PATIENCE,
    )
    return {row["why"]: row["many"] for row in rows}


async def _put_right(connection: asyncpg.Connection, real: str) -> None:
    await restore(connection, real)
    await compare.mark(connection, real)
    if still := await connection.fetchval("SELECT count(*) FROM differing"):
        raise StillDiffers(f"{still} rows would differ even after they were put right, so nothing was changed")
