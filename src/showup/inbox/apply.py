"""Applies stored inbox events: translates them, passes them to the projection in batches, and records each outcome.

One worker at a time applies a workspace's events. It holds an advisory lock that ends with its transaction, so any
worker can take over from one that died. The worker finds work by the events' state, not by a cursor, because
transactions commit in another order than ids.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg
import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from showup import traces
from showup.analysis import facts_store
from showup.clock import Clock
from showup.database.engine import driver_connection, transaction
from showup.events.booking import SeatMoved, booking_names, seat_left_event
from showup.events.envelope import AnyRecord, is_booking_record, other_names, stream_of
from showup.events.outcome import EventOutcome
from showup.events.translation import Translated, Translation
from showup.events.workspace import RulesChanged
from showup.inbox import lead_matches, rules, store
from showup.inbox.bisection import attribute_failure, run_with_bisection
from showup.inbox.screen import Screen
from showup.inbox.store import InboxEvent, ProcessedEvent
from showup.inbox.translation import InboxLog, translate_event
from showup.logs import log_events
from showup.projector.batch import project
from showup.projector.outcomes import ProjectionResult

BATCH_SIZE: Final = 500
# A worker that holds the workspace's lock and runs no statement for so long hangs: PostgreSQL ends its transaction, and
# another worker continues. The limit is longer than any replay takes between two statements.
IDLE_TIMEOUT: Final = "60s"
_MATCHED_AT_ONCE: Final = 1_000
_MAX_REFUSALS: Final = 10
_LOG: Final = InboxLog()
_logger = structlog.get_logger()

EventHandler: TypeAlias = Callable[[asyncpg.Connection, UUID, Sequence[AnyRecord]], Awaitable[Sequence[EventOutcome]]]
"""Applies a workspace's events that the projection does not handle, and returns the outcome of each."""

EventHandlers: TypeAlias = Mapping[type, EventHandler]
"""The handler of each such event, by its class. The container registers them, so the inbox doesn't know them."""


class Batch:
    """The inbox events of one batch, translated once."""

    def __init__(self, events: Sequence[InboxEvent]) -> None:
        self.translations = {event.id: translate_event(event) for event in events}

    @property
    def records(self) -> list[AnyRecord]:
        """Returns the batch's event records."""
        return [record for _, record in self.translations.values() if record is not None]


class AppliedBatch(Struct, frozen=True, kw_only=True):
    """The outcome of each event of a batch, and of earlier events that the batch affects.

    `booking_ids` are the bookings that were projected.
    """

    processed: list[ProcessedEvent]
    reprocessed: list[EventOutcome]
    resolved: list[UUID]
    names: list[tuple[str, UUID]]
    booking_ids: Sequence[UUID] = ()


async def apply_pending(
    engine: AsyncEngine,
    workspace_id: UUID,
    clock: Clock,
    handlers: EventHandlers,
    screen: Screen | None = None,
    *,
    limit: int = BATCH_SIZE,
) -> int:
    """Applies a workspace's oldest unprocessed events; returns how many it processed, 0 when none are due.

    `screen` redacts what is about people who were erased.
    """

    async def step(batch_limit: int) -> int:
        return await _apply_once(engine, workspace_id, clock, handlers, screen, batch_limit)

    return await run_with_bisection(engine, step, limit=limit, now=clock())


async def _apply_once(
    engine: AsyncEngine, workspace_id: UUID, clock: Clock, handlers: EventHandlers, screen: Screen | None, limit: int
) -> int:
    async with transaction(engine) as tx:
        connection = await driver_connection(tx)
        if not await _try_lock(connection, workspace_id):
            return 0
        events = await store.fetch_pending(connection, workspace_id, clock(), limit)
        if not events:
            return 0
        ids = [event.id for event in events]
        with attribute_failure(ids), traces.span("apply events", events=len(ids), event_ids=ids):
            if screen is not None:
                events = await screen(connection, workspace_id, events)
            batch_result = await apply_batch(connection, workspace_id, Batch(events), handlers=handlers, now=clock())
            await mark_processed(connection, workspace_id, batch_result, clock())
            await match_leads(connection, workspace_id, batch_result.booking_ids, clock())
    for state in sorted({one.state for one in batch_result.processed}):
        ids = [one.event_id for one in batch_result.processed if one.state == state]
        log_events(_logger, "events processed", ids, state=state, workspace_id=str(workspace_id))
    return len(events)


async def _try_lock(connection: asyncpg.Connection, workspace_id: UUID) -> bool:
    """Takes the workspace's lock until the transaction ends; returns False when another worker holds it."""
    return bool(
        await connection.fetchval(
            "SELECT pg_try_advisory_xact_lock($1) FROM set_config('idle_in_transaction_session_timeout', $2, true)",
            lock_key(workspace_id),
            IDLE_TIMEOUT,
        )
    )


def lock_key(workspace_id: UUID) -> int:
    """Returns the key of the advisory lock that a workspace's projection requires."""
    return int.from_bytes(workspace_id.bytes[:8], signed=True)


async def lock_pipeline(connection: asyncpg.Connection, workspace_id: UUID) -> None:
    """Waits for the lock on the workspace's pipeline, and holds it until the transaction ends."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", lock_key(workspace_id))


async def apply_batch(
    connection: asyncpg.Connection, workspace_id: UUID, batch: Batch, *, handlers: EventHandlers, now: datetime | None
) -> AppliedBatch:
    """Projects one batch under the workspace's lock; the caller must record the returned outcomes.

    `now`: the time at which deliveries that are due wake the dispatcher; None for a rebuild, which sends nothing.
    """
    handled = [record for record in batch.records if type(record.event) in handlers]
    records = [record for record in batch.records if type(record.event) not in handlers]
    rule_changes = [record for record in records if isinstance(record.event, RulesChanged)]
    refusals = await rules.record_changes(connection, workspace_id, rule_changes) if rule_changes else {}
    projection = await project(
        connection,
        workspace_id,
        [record for record in records if record.event_id not in refusals],
        await rules.in_force(connection, workspace_id),
        _LOG,
        now=now,
        replay_request=await rules.bookings_to_replay(connection, workspace_id, rule_changes),
    )
    other_outcomes = [EventOutcome(event_id=event_id, because=because) for event_id, because in refusals.items()]
    for event_type in dict.fromkeys(type(record.event) for record in handled):
        of_type = [record for record in handled if type(record.event) is event_type]
        other_outcomes += await handlers[event_type](connection, workspace_id, of_type)
    return collect_results(batch, projection, other_outcomes)


def collect_results(batch: Batch, projection: ProjectionResult, other_outcomes: Iterable[EventOutcome]) -> AppliedBatch:
    """Collects the outcome of every event of the batch, and the names by which later lookups find the events.

    `other_outcomes` are those of events that the projection does not handle.
    """
    outcomes = {one.event_id: one for one in (*projection.outcomes, *other_outcomes)}
    resolved = [one for event_id, one in outcomes.items() if event_id not in batch.translations]
    return AppliedBatch(
        processed=[_processed_event(one, content, outcomes) for one, (content, _) in batch.translations.items()],
        reprocessed=[one for one in (*resolved, *projection.replayed) if one.state != "waiting"],
        resolved=[one.event_id for one in resolved if one.state != "waiting"],
        names=_lookup_names(batch.records, outcomes),
        booking_ids=projection.booking_ids,
    )


async def match_leads(
    connection: asyncpg.Connection, workspace_id: UUID, booking_ids: Sequence[UUID], now: datetime
) -> None:
    """Matches the attendees of these bookings to leads; each change of a match is an event, which is projected here.

    The caller holds the workspace's lock, and has marked the events of these bookings as processed.
    """
    for some_ids in lead_matches.chunks(booking_ids, _MATCHED_AT_ONCE):
        await facts_store.refresh_interest(connection, some_ids)
        unmatched: Sequence[UUID] = some_ids
        for _ in range(_MAX_REFUSALS):
            events = await lead_matches.store_changes(connection, workspace_id, unmatched, now)
            if not events:
                break
            batch_result = await apply_batch(connection, workspace_id, Batch(events), handlers={}, now=now)
            await mark_processed(connection, workspace_id, batch_result, now)
            # A person ruled this lead out before it was known: the attendee may be the next one.
            unmatched = [one.booking_id for one in batch_result.processed if one.because and one.booking_id]


async def mark_processed(
    connection: asyncpg.Connection, workspace_id: UUID, batch_result: AppliedBatch, at: datetime
) -> None:
    """Writes the events' outcomes."""
    await store.mark_processed(connection, workspace_id, batch_result.processed, at)
    await store.update_processed(
        connection,
        [outcome.event_id for outcome in batch_result.reprocessed],
        [outcome.booking_id for outcome in batch_result.reprocessed],
        [outcome.because for outcome in batch_result.reprocessed],
    )
    await store.remove_names(connection, batch_result.resolved)
    await store.add_names(connection, batch_result.names)


def _processed_event(event_id: UUID, content: Translation, outcomes: Mapping[UUID, EventOutcome]) -> ProcessedEvent:
    if not isinstance(content, Translated):
        state = type(content).__name__.lower()
        return ProcessedEvent(event_id=event_id, state=state, because=content.because, trigger=content.trigger)
    outcome = outcomes[event_id]
    return ProcessedEvent(
        event_id=event_id,
        state=outcome.state,
        because=outcome.because,
        trigger=content.trigger,
        uid=content.uid,
        source_at=content.source_at,
        booking_id=outcome.booking_id,
    )


def _lookup_names(records: Iterable[AnyRecord], outcomes: Mapping[UUID, EventOutcome]) -> list[tuple[str, UUID]]:
    """Returns the names by which later events must find these events.

    They name the booking that an event waits for, the booking that a seat was moved from, or the stream of an event
    that belongs to no booking.
    """
    lookup_names: list[tuple[str, UUID]] = []
    for record in records:
        stream = stream_of(record)
        names: Iterable[str]
        if stream.kind in ("delivery", "lead"):
            continue
        if not is_booking_record(record):
            names = (stream.name, *other_names(record))
        elif outcomes[record.event_id].state == "waiting":
            names = booking_names(record.event, record.account_id)
        elif isinstance(record.event, SeatMoved):
            names = booking_names(seat_left_event(record.event), record.account_id)
        else:
            continue
        lookup_names += [(name, record.event_id) for name in names]
    return lookup_names
