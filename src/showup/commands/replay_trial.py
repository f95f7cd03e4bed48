"""Tries to replay an inbox event: applies it as the projector would, sees what changes, and takes all of it back."""

from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.commands.dry_run import Difference, difference_of
from showup.commands.unit_of_work import UnitOfWork
from showup.inbox import store
from showup.inbox.apply import Batch, apply_batch, mark_processed, match_leads
from showup.inbox.replay import replay_event

_TIMEOUT_MS: Final = 4_000


class ReplayTrial(Struct, frozen=True, kw_only=True):
    """What a replay would do: the state that the event would get, why, and what would change.

    `state` of None: the event can't be replayed. `pending`: routes of its account decide again which workspace gets it.
    """

    state: str | None
    because: str | None = None
    difference: Difference = Difference()


async def try_replay(unit_of_work: UnitOfWork, workspace_id: UUID, event_id: UUID) -> ReplayTrial:
    """Return what a replay of the event would do. Nothing of it stays; waits for the workspace's lock."""
    await unit_of_work.lock(workspace_id)
    connection = await unit_of_work.connection()
    await connection.execute(f"SET LOCAL statement_timeout = {_TIMEOUT_MS}")
    outcome = ReplayTrial(state=None)

    async def replay() -> list[UUID]:
        nonlocal outcome
        if not await replay_event(unit_of_work.tx, event_id):
            return []
        outcome = await _apply(unit_of_work, connection, workspace_id, event_id, unit_of_work.at)
        return [event_id]

    difference = await difference_of(connection, workspace_id, replay)
    return ReplayTrial(state=outcome.state, because=outcome.because, difference=difference)


async def _apply(
    unit_of_work: UnitOfWork, connection: asyncpg.Connection, workspace_id: UUID, event_id: UUID, now: datetime
) -> ReplayTrial:
    event = await store.find_pending(connection, workspace_id, event_id)
    if event is None:
        return ReplayTrial(state="pending")
    result = await apply_batch(connection, workspace_id, Batch([event]), handlers=unit_of_work.handlers, now=now)
    await mark_processed(connection, workspace_id, result, now)
    await match_leads(connection, workspace_id, result.booking_ids, now)
    [processed] = [one for one in result.processed if one.event_id == event_id]
    return ReplayTrial(state=processed.state, because=processed.because)
