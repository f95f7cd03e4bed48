"""Applying what was kept: raw events are read, handed to the pipeline in batches, and settled with what became of them.

One applier a workspace at a time, by an advisory lock that ends with its transaction: any worker takes over from one
that died. What is to be done is found by its state, never by a cursor, since commits come in another order than ids.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import Clock
from showup.database.engine import raw, transaction
from showup.deeds import Deed, RulesChanged, name
from showup.deliveries import feedback_store
from showup.deliveries.choosing import choose
from showup.deliveries.chosen import RecordChosen
from showup.deliveries.delivery import Wake
from showup.deliveries.feedback import Feedback
from showup.deliveries.waking import wake
from showup.events import News, SeatMoved, departure, names
from showup.inbox import rules, store
from showup.inbox.attempts import by_halves, working_on
from showup.inbox.feedback_store import NOT_KNOWN_YET
from showup.inbox.reading import Log, read
from showup.inbox.store import RawEvent, Settlement
from showup.pipeline.advance.batch import advance
from showup.pipeline.advance.outcomes import Advanced, Outcome
from showup.sources.calcom.translate import Ignored, Translated, Translation, Unreadable
from showup.sources.hand.translate import Done

BATCH: Final = 500
# Whoever holds the workspace's lock and says nothing for so long hangs: PostgreSQL ends its transaction, and another
# worker goes on. Longer than any fold between two statements takes.
HUNG_AFTER: Final = "60s"
_STORY: Final = Log()


class Batch:
    """The raw events of one batch, read once."""

    def __init__(self, events: Sequence[RawEvent]) -> None:
        self.readings = {event.id: read(event) for event in events}

    @property
    def news(self) -> list[News]:
        """What of the batch is news of a booking."""
        return [one for _, one in self.readings.values() if isinstance(one, News)]

    @property
    def feedback(self) -> dict[UUID, Feedback]:
        """What of the batch a provider says of our mails, by the event's id."""
        return {one: said for one, (said, _) in self.readings.items() if isinstance(said, Feedback)}

    @property
    def choices(self) -> dict[UUID, Done]:
        """What of the batch answers the question of a delivery, by the event's id."""
        said = {one: said for one, (said, _) in self.readings.items()}
        return {one: done for one, done in said.items() if isinstance(done, Done) and _chooses(done)}

    @property
    def deeds(self) -> list[Deed]:
        """What of the batch people did beside bookings."""
        return [one for _, one in self.readings.values() if isinstance(one, Deed)]


class Applied(Struct, frozen=True, kw_only=True):
    """What became of each event of a batch, and of those of earlier batches that it concerned."""

    settlements: list[Settlement]
    again: list[Outcome]
    joined: list[UUID]
    names: list[tuple[str, UUID]]
    wakes: list[Wake]


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
            applied = await apply_batch(connection, workspace_id, Batch(events))
            await settle(connection, workspace_id, applied, clock())
        return len(events)


async def _is_ours(connection: asyncpg.Connection, workspace_id: UUID) -> bool:
    """Takes the workspace's lock until the transaction ends, unless another worker has it."""
    return bool(
        await connection.fetchval(
            "SELECT pg_try_advisory_xact_lock($1) FROM set_config('idle_in_transaction_session_timeout', $2, true)",
            lock_key(workspace_id),
            HUNG_AFTER,
        )
    )


def lock_key(workspace_id: UUID) -> int:
    """The advisory lock that whoever moves the workspace's pipeline holds."""
    return int.from_bytes(workspace_id.bytes[:8], signed=True)


async def apply_batch(connection: asyncpg.Connection, workspace_id: UUID, batch: Batch) -> Applied:
    """Moves the pipeline by a batch, under the lock of the workspace; what is returned is still to be settled."""
    changes = [deed for deed in batch.deeds if isinstance(deed.act, RulesChanged)]
    refused = await rules.record(connection, workspace_id, changes) if changes else {}
    advanced = await advance(
        connection,
        workspace_id,
        batch.news,
        await rules.in_force(connection, workspace_id),
        _STORY,
        deeds=[deed for deed in batch.deeds if deed.event_id not in refused],
        again=await rules.told_again(connection, workspace_id, changes),
    )
    found = await feedback_store.record(connection, workspace_id, batch.feedback)
    chosen = await _choose(connection, workspace_id, batch.choices)
    return applied(batch, advanced, [*_refused(refused), *chosen], found)


def _chooses(done: Done) -> bool:
    return isinstance(done.means, RecordChosen)


def _refused(refused: Mapping[UUID, str]) -> list[Outcome]:
    return [Outcome(event_id=one, booking_id=None, refused=because) for one, because in refused.items()]


async def _choose(connection: asyncpg.Connection, workspace_id: UUID, choices: Mapping[UUID, Done]) -> list[Outcome]:
    """Answers deliveries' questions, the one that was given first before the others: whoever is first has decided."""
    found = []
    for event_id, done in sorted(choices.items(), key=lambda one: (one[1].command.at, one[0])):
        assert isinstance(done.means, RecordChosen), "nothing else is a choice"
        given = done.command
        because = await choose(connection, workspace_id, done.means, given.actor, given.at)
        found.append(Outcome(event_id=event_id, booking_id=None, refused=because))
    return found


def applied(batch: Batch, advanced: Advanced, beside: Iterable[Outcome], mails: Mapping[UUID, UUID | None]) -> Applied:
    """What became of every event of the batch, and under which names they are found from now on.

    `beside` is what became of those that the pipeline itself has no part in. `mails` are the deliveries that feedback
    was about, by its event; None for mail that is not known.
    """
    outcomes = {one.event_id: one for one in (*advanced.outcomes, *beside)}
    joined = [one for event_id, one in outcomes.items() if event_id not in batch.readings]
    return Applied(
        settlements=[
            _heard(one, said, mails[one]) if isinstance(said, Feedback) else _settlement(one, said, outcomes.get(one))
            for one, (said, _) in batch.readings.items()
        ],
        again=[one for one in (*joined, *advanced.retold) if not one.waits],
        joined=[one.event_id for one in joined if not one.waits],
        wakes=advanced.wakes,
        names=[*_names(batch.news, outcomes), *((name(one.act, one.event_id), one.event_id) for one in batch.deeds)],
    )


async def settle(connection: asyncpg.Connection, workspace_id: UUID, applied: Applied, at: datetime) -> None:
    """Writes what became of the events, and wakes whoever tells the outside, if this transaction is committed."""
    await store.settle(connection, workspace_id, applied.settlements, at)
    await store.settle_again(
        connection,
        [one.event_id for one in applied.again],
        [one.booking_id for one in applied.again],
        [one.refused for one in applied.again],
    )
    await store.remove_names(connection, applied.joined)
    await store.add_names(connection, applied.names)
    await wake(connection, workspace_id, applied.wakes, at)


def _heard(event_id: UUID, said: Feedback, delivery_id: UUID | None) -> Settlement:
    return Settlement(
        event_id=event_id,
        state="waiting" if delivery_id is None else "applied",
        because=NOT_KNOWN_YET if delivery_id is None else None,
        trigger=said.trigger,
        uid=said.mail_id,
        source_at=said.at,
    )


def _settlement(event_id: UUID, said: Translation | Done, outcome: Outcome | None) -> Settlement:
    match said:
        case Ignored():
            return Settlement(event_id=event_id, state="ignored", because=said.because, trigger=said.trigger)
        case Unreadable():
            return Settlement(event_id=event_id, state="unreadable", because=said.because, trigger=said.trigger)
        case Translated() | Done():
            assert outcome is not None, "somebody answers for every piece of news"
            return Settlement(
                event_id=event_id,
                state=_state(said, outcome),
                because="nobody has told of this booking yet" if outcome.waits else outcome.refused,
                trigger=said.word if isinstance(said, Done) else said.trigger,
                uid=None if isinstance(said, Done) else said.uid,
                source_at=said.command.at if isinstance(said, Done) else said.source_at,
                booking_id=outcome.booking_id,
            )


def _state(said: Translated | Done, outcome: Outcome) -> str:
    if isinstance(said, Done) and _chooses(said) and outcome.refused is not None:
        # No news that comes late can make it hold.
        return "refused"
    return "waiting" if outcome.waits else "applied"


def _names(news: Iterable[News], outcomes: dict[UUID, Outcome]) -> list[tuple[str, UUID]]:
    """Under which names later news must find these events: a booking waited for, a seat left behind."""
    further: list[tuple[str, UUID]] = []
    for item in news:
        if outcomes[item.event_id].waits:
            further += [(name, item.event_id) for name in names(item.event, item.account_id)]
        elif isinstance(item.event, SeatMoved):
            further += [(name, item.event_id) for name in names(departure(item.event), item.account_id)]
    return further
