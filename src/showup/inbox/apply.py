"""Applies stored inbox events: translates them, passes them to the projection in batches, and records each outcome.

One worker at a time applies a workspace's events. It holds an advisory lock that ends with its transaction, so any
worker can take over from one that died. The worker finds work by the events' state, not by a cursor, because
transactions commit in another order than ids.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import Clock
from showup.database.engine import driver_connection, transaction
from showup.deliveries import feedback_store
from showup.deliveries.delivery import WakeUp
from showup.deliveries.feedback import Feedback
from showup.deliveries.record_choices import choose
from showup.deliveries.record_chosen import RecordChosen
from showup.deliveries.wakeups import wake
from showup.events import EventRecord, SeatMoved, booking_names, seat_left_event
from showup.inbox import rules, store
from showup.inbox.bisection import attribute_failure, run_with_bisection
from showup.inbox.feedback_store import UNKNOWN_MAIL
from showup.inbox.store import InboxEvent, ProcessedEvent
from showup.inbox.translation import InboxLog, translate_event
from showup.manual_events import ManualEventRecord, RulesChanged, subject_name
from showup.projector.batch import project
from showup.projector.outcomes import EventOutcome, ProjectionResult
from showup.sources.calcom.translate import Ignored, Translated, Translation, Unreadable
from showup.sources.manual.translate import TranslatedCommand

BATCH_SIZE: Final = 500
# A worker that holds the workspace's lock and runs no statement for so long hangs: PostgreSQL ends its transaction, and
# another worker continues. The limit is longer than any replay takes between two statements.
IDLE_TIMEOUT: Final = "60s"
_LOG: Final = InboxLog()


class Batch:
    """The inbox events of one batch, translated once."""

    def __init__(self, events: Sequence[InboxEvent]) -> None:
        self.translations = {event.id: translate_event(event) for event in events}

    @property
    def records(self) -> list[EventRecord]:
        """Returns the batch's booking events."""
        return [record for _, record in self.translations.values() if isinstance(record, EventRecord)]

    @property
    def feedback(self) -> dict[UUID, Feedback]:
        """Returns the batch's mail feedback from the provider, by event id."""
        return {
            event_id: content for event_id, (content, _) in self.translations.items() if isinstance(content, Feedback)
        }

    @property
    def choices(self) -> dict[UUID, TranslatedCommand]:
        """Returns the batch's answers to a delivery's question, by event id."""
        content = {event_id: content for event_id, (content, _) in self.translations.items()}
        return {
            event_id: translated
            for event_id, translated in content.items()
            if isinstance(translated, TranslatedCommand) and _is_choice(translated)
        }

    @property
    def manual_events(self) -> list[ManualEventRecord]:
        """Returns the batch's manual events that are not about a booking."""
        return [record for _, record in self.translations.values() if isinstance(record, ManualEventRecord)]


class AppliedBatch(Struct, frozen=True, kw_only=True):
    """The outcome of each event of a batch, and of earlier events that the batch affects."""

    processed: list[ProcessedEvent]
    reprocessed: list[EventOutcome]
    resolved: list[UUID]
    names: list[tuple[str, UUID]]
    wakes: list[WakeUp]


async def apply_pending(engine: AsyncEngine, workspace_id: UUID, clock: Clock, *, limit: int = BATCH_SIZE) -> int:
    """Applies a workspace's oldest unprocessed events; returns how many it processed, 0 when none are due."""

    async def step(batch_limit: int) -> int:
        return await _apply_once(engine, workspace_id, clock, batch_limit)

    return await run_with_bisection(engine, step, limit=limit, now=clock())


async def _apply_once(engine: AsyncEngine, workspace_id: UUID, clock: Clock, limit: int) -> int:
    async with transaction(engine) as tx:
        connection = await driver_connection(tx)
        if not await _try_lock(connection, workspace_id):
            return 0
        events = await store.fetch_pending(connection, workspace_id, clock(), limit)
        if not events:
            return 0
        with attribute_failure([event.id for event in events]):
            batch_result = await apply_batch(connection, workspace_id, Batch(events))
            await mark_processed(connection, workspace_id, batch_result, clock())
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


async def apply_batch(connection: asyncpg.Connection, workspace_id: UUID, batch: Batch) -> AppliedBatch:
    """Projects one batch under the workspace's lock; the caller must record the returned outcomes."""
    rule_changes = [
        manual_event for manual_event in batch.manual_events if isinstance(manual_event.event, RulesChanged)
    ]
    refusals = await rules.record_changes(connection, workspace_id, rule_changes) if rule_changes else {}
    projection = await project(
        connection,
        workspace_id,
        batch.records,
        await rules.in_force(connection, workspace_id),
        _LOG,
        manual_records=[manual_event for manual_event in batch.manual_events if manual_event.event_id not in refusals],
        replay_request=await rules.bookings_to_replay(connection, workspace_id, rule_changes),
    )
    mails = await feedback_store.record(connection, workspace_id, batch.feedback)
    choices = await _apply_choices(connection, workspace_id, batch.choices)
    return collect_results(batch, projection, [*_refused_outcomes(refusals), *choices], mails)


def _is_choice(translated: TranslatedCommand) -> bool:
    return isinstance(translated.meaning, RecordChosen)


def _refused_outcomes(refusals: Mapping[UUID, str]) -> list[EventOutcome]:
    return [EventOutcome(event_id=event_id, booking_id=None, refused=because) for event_id, because in refusals.items()]


async def _apply_choices(
    connection: asyncpg.Connection, workspace_id: UUID, choices: Mapping[UUID, TranslatedCommand]
) -> list[EventOutcome]:
    """Applies the answers to deliveries' questions in the order in which they were given: the first answer decides."""
    outcomes = []
    for event_id, translated in sorted(choices.items(), key=lambda one: (one[1].command.at, one[0])):
        assert isinstance(translated.meaning, RecordChosen), "only RecordChosen is a choice"
        command = translated.command
        because = await choose(connection, workspace_id, translated.meaning, command.actor, command.at)
        outcomes.append(EventOutcome(event_id=event_id, booking_id=None, refused=because))
    return outcomes


def collect_results(
    batch: Batch,
    projection: ProjectionResult,
    other_outcomes: Iterable[EventOutcome],
    mails: Mapping[UUID, UUID | None],
) -> AppliedBatch:
    """Collects the outcome of every event of the batch, and the names by which later lookups find the events.

    `other_outcomes` are those of events that the projection does not handle. `mails` maps each feedback event to the
    delivery that it is about, or to None for an unknown mail.
    """
    outcomes = {one.event_id: one for one in (*projection.outcomes, *other_outcomes)}
    resolved = [one for event_id, one in outcomes.items() if event_id not in batch.translations]
    return AppliedBatch(
        processed=[
            _processed_feedback(one, content, mails[one])
            if isinstance(content, Feedback)
            else _processed_event(one, content, outcomes.get(one))
            for one, (content, _) in batch.translations.items()
        ],
        reprocessed=[one for one in (*resolved, *projection.replayed) if not one.is_waiting],
        resolved=[one.event_id for one in resolved if not one.is_waiting],
        wakes=projection.wake_ups,
        names=[
            *_lookup_names(batch.records, outcomes),
            *((subject_name(one.event, one.event_id), one.event_id) for one in batch.manual_events),
        ],
    )


async def mark_processed(
    connection: asyncpg.Connection, workspace_id: UUID, batch_result: AppliedBatch, at: datetime
) -> None:
    """Writes the events' outcomes; wakes the dispatcher when this transaction commits."""
    await store.mark_processed(connection, workspace_id, batch_result.processed, at)
    await store.update_processed(
        connection,
        [outcome.event_id for outcome in batch_result.reprocessed],
        [outcome.booking_id for outcome in batch_result.reprocessed],
        [outcome.refused for outcome in batch_result.reprocessed],
    )
    await store.remove_names(connection, batch_result.resolved)
    await store.add_names(connection, batch_result.names)
    await wake(connection, workspace_id, batch_result.wakes, at)


def _processed_feedback(event_id: UUID, feedback: Feedback, delivery_id: UUID | None) -> ProcessedEvent:
    return ProcessedEvent(
        event_id=event_id,
        state="waiting" if delivery_id is None else "applied",
        because=UNKNOWN_MAIL if delivery_id is None else None,
        trigger=feedback.trigger,
        uid=feedback.mail_id,
        source_at=feedback.at,
    )


def _processed_event(
    event_id: UUID, content: Translation | TranslatedCommand, outcome: EventOutcome | None
) -> ProcessedEvent:
    match content:
        case Ignored():
            return ProcessedEvent(event_id=event_id, state="ignored", because=content.because, trigger=content.trigger)
        case Unreadable():
            return ProcessedEvent(
                event_id=event_id, state="unreadable", because=content.because, trigger=content.trigger
            )
        case Translated() | TranslatedCommand():
            assert outcome is not None, "every translated event has an outcome"
            return ProcessedEvent(
                event_id=event_id,
                state=_state(content, outcome),
                because="unknown booking: waiting for its first event" if outcome.is_waiting else outcome.refused,
                trigger=content.name if isinstance(content, TranslatedCommand) else content.trigger,
                uid=None if isinstance(content, TranslatedCommand) else content.uid,
                source_at=content.command.at if isinstance(content, TranslatedCommand) else content.source_at,
                booking_id=outcome.booking_id,
            )


def _state(content: Translated | TranslatedCommand, outcome: EventOutcome) -> str:
    if isinstance(content, TranslatedCommand) and _is_choice(content) and outcome.refused is not None:
        # No later event can make this answer valid.
        return "refused"
    return "waiting" if outcome.is_waiting else "applied"


def _lookup_names(records: Iterable[EventRecord], outcomes: dict[UUID, EventOutcome]) -> list[tuple[str, UUID]]:
    """Returns the names by which later events must find these events: an awaited booking, or a seat that moved."""
    lookup_names: list[tuple[str, UUID]] = []
    for record in records:
        if outcomes[record.event_id].is_waiting:
            lookup_names += [(name, record.event_id) for name in booking_names(record.event, record.account_id)]
        elif isinstance(record.event, SeatMoved):
            lookup_names += [
                (name, record.event_id) for name in booking_names(seat_left_event(record.event), record.account_id)
            ]
    return lookup_names
