"""Applying what was kept: raw events are read, handed to the pipeline in batches, and settled with what became of them.

One applier a workspace at a time, by an advisory lock that ends with its transaction: any worker takes over from one
that died. What is to be done is found by its state, never by a cursor, since commits come in another order than ids.
"""

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import Clock
from showup.database.engine import raw, transaction
from showup.events import News, SeatMoved, departure, names
from showup.inbox import rules, store
from showup.inbox.attempts import by_halves, working_on
from showup.inbox.reading import Log, read
from showup.inbox.store import RawEvent, Settlement
from showup.pipeline.advance.batch import Advanced, Outcome, advance
from showup.sources.calcom.translate import Ignored, Translated, Translation, Unreadable

BATCH: Final = 500
_STORY: Final = Log()


class Batch:
    """The raw events of one batch, read once."""

    def __init__(self, events: Sequence[RawEvent]) -> None:
        self.readings = {event.id: read(event) for event in events}

    @property
    def news(self) -> list[News]:
        """What of the batch is news to the pipeline."""
        return [news for _, news in self.readings.values() if news is not None]


async def apply_some(engine: AsyncEngine, workspace_id: UUID, clock: Clock, *, limit: int = BATCH) -> int:
    """Applies the oldest unsettled events of a workspace; how many were looked at, 0 when there is nothing to do."""

    async def step(most: int) -> int:
        return await _apply(engine, workspace_id, clock, most)

    return await by_halves(engine, step, limit=limit, now=clock())


async def _apply(engine: AsyncEngine, workspace_id: UUID, clock: Clock, limit: int) -> int:
    async with transaction(engine) as tx:
        connection = await raw(tx)
        if not await _is_ours(connection, workspace_id):
            return 0
        events = await store.unsettled(connection, workspace_id, clock(), limit)
        if not events:
            return 0
        with working_on([event.id for event in events]):
            batch = Batch(events)
            in_force = await rules.in_force(connection, workspace_id)
            advanced = await advance(connection, workspace_id, batch.news, in_force, _STORY)
            await _settle(connection, workspace_id, batch, advanced, clock)
        return len(events)


async def _is_ours(connection: asyncpg.Connection, workspace_id: UUID) -> bool:
    """Takes the workspace's lock until the transaction ends, unless another worker has it."""
    key = int.from_bytes(workspace_id.bytes[:8], signed=True)
    return bool(await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", key))


async def _settle(
    connection: asyncpg.Connection, workspace_id: UUID, batch: Batch, advanced: Advanced, clock: Clock
) -> None:
    outcomes = {outcome.event_id: outcome for outcome in advanced.outcomes}
    settlements = [
        _settlement(event_id, said, outcomes.get(event_id)) for event_id, (said, _) in batch.readings.items()
    ]
    joined = [one for event_id, one in outcomes.items() if event_id not in batch.readings]
    await store.settle(connection, workspace_id, settlements, clock())
    await _settle_again(connection, [*joined, *advanced.retold])
    await store.remove_names(connection, [one.event_id for one in joined if one.booking_id is not None])
    await _remember_names(connection, batch.news, outcomes)


def _settlement(event_id: UUID, said: Translation, outcome: Outcome | None) -> Settlement:
    match said:
        case Ignored():
            return Settlement(event_id=event_id, state="ignored", because=said.because, trigger=said.trigger)
        case Unreadable():
            return Settlement(event_id=event_id, state="unreadable", because=said.because, trigger=said.trigger)
        case Translated():
            assert outcome is not None, "the pipeline answers for every piece of news"
            waits = outcome.booking_id is None
            return Settlement(
                event_id=event_id,
                state="waiting" if waits else "applied",
                because="nobody has told of this booking yet" if waits else outcome.refused,
                trigger=said.trigger,
                uid=said.uid,
                source_at=said.source_at,
                booking_id=outcome.booking_id,
            )


async def _settle_again(connection: asyncpg.Connection, outcomes: Sequence[Outcome]) -> None:
    """Events that waited have joined their story, and a story told anew may have another use for its news."""
    found = [one for one in outcomes if one.booking_id is not None]
    await store.settle_again(
        connection,
        [one.event_id for one in found],
        [one.booking_id for one in found],
        [one.refused for one in found],
    )


async def _remember_names(connection: asyncpg.Connection, news: Iterable[News], outcomes: dict[UUID, Outcome]) -> None:
    """Under which names later news must find these events: a booking waited for, a seat left behind."""
    further: list[tuple[str, UUID]] = []
    for item in news:
        if outcomes[item.event_id].booking_id is None:
            further += [(name, item.event_id) for name in names(item.event, item.account_id)]
        elif isinstance(item.event, SeatMoved):
            further += [(name, item.event_id) for name in names(departure(item.event), item.account_id)]
    await store.add_names(connection, further)
