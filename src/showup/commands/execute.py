"""Executes people's commands in their own request, so that they see the result or the refusal at once.

A refused command stays refused in the log: no later event executes a command that was reported as refused.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from msgspec import Struct
from msgspec.structs import replace

from showup.events.manual import ManualEvent
from showup.inbox import store
from showup.inbox.apply import (
    AppliedBatch,
    Batch,
    EventHandlers,
    apply_batch,
    lock_pipeline,
    mark_processed,
    match_leads,
)
from showup.inbox.manual_store import insert_manual_events
from showup.sources.manual.translate import encode


class CommandResult(Struct, frozen=True, kw_only=True):
    """The result of commands that were given together: all of them are done, or none.

    `event_ids` are their events in the log, in the given order; `refused` is the reason of a refusal.
    """

    event_ids: list[UUID]
    refused: str | None = None


async def execute(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    events: Sequence[ManualEvent],
    *,
    actor: str,
    at: datetime,
    handlers: EventHandlers,
) -> CommandResult:
    """Stores the events and projects them in the caller's transaction; waits for the workspace's lock.

    The caller must commit the transaction even when the events are refused.
    """
    await lock_pipeline(connection, workspace_id)
    bodies = [encode(event, at=at, actor=actor) for event in events]
    stored = await insert_manual_events(connection, workspace_id, bodies, actor=actor, received_at=at)
    savepoint = connection.transaction()
    await savepoint.start()
    batch_result = await apply_batch(connection, workspace_id, Batch(stored), handlers=handlers, now=at)
    refusal = _first_refusal(batch_result)
    if refusal is None:
        await mark_processed(connection, workspace_id, batch_result, at)
        await match_leads(connection, workspace_id, batch_result.booking_ids, at)
        await savepoint.commit()
    else:
        await savepoint.rollback()
        refused_events = [
            replace(processed_event, state="refused", because=refusal, booking_id=None)
            for processed_event in batch_result.processed
        ]
        await store.mark_processed(connection, workspace_id, refused_events, at)
    return CommandResult(event_ids=[event.id for event in stored], refused=refusal)


def _first_refusal(batch_result: AppliedBatch) -> str | None:
    # An executed command has no reason; one with a reason was refused, waits, or could not be read.
    return next((one.because for one in batch_result.processed if one.because is not None), None)
