"""What people do: kept and advanced in their own request, so that they see the result, or the refusal, at once.

A refused command stays in the log as refused, for good: news that comes late never does what somebody was told is not
done.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from msgspec import Struct
from msgspec.structs import replace

from showup.inbox import store
from showup.inbox.apply import Applied, Batch, apply_batch, lock_key, settle
from showup.inbox.hand_store import keep_by_hand
from showup.inbox.store import Settlement
from showup.sources.hand.command import Command, encode


class Acted(Struct, frozen=True, kw_only=True):
    """What became of commands that were given together: all of them are done, or none.

    `event_ids` are theirs in the log, in the order given; `refused` says why where they were refused.
    """

    event_ids: list[UUID]
    refused: str | None = None


async def act(
    connection: asyncpg.Connection, workspace_id: UUID, commands: Sequence[Command], received_at: datetime
) -> Acted:
    """Keeps the commands and moves the pipeline by them, in the caller's transaction, which must be committed even if
    they are refused. Waits for the workspace's lock."""
    await hold(connection, workspace_id)
    given = [(encode(command), command.actor) for command in commands]
    events = await keep_by_hand(connection, workspace_id, given, received_at)
    part = connection.transaction()
    await part.start()
    applied = await apply_batch(connection, workspace_id, Batch(events))
    because = _refusal(applied)
    if because is None:
        await settle(connection, workspace_id, applied, received_at)
        await part.commit()
    else:
        await part.rollback()
        refused = [replace(one, state="refused", because=because, booking_id=None) for one in applied.settlements]
        await store.settle(connection, workspace_id, refused, received_at)
    return Acted(event_ids=[event.id for event in events], refused=because)


async def hold(connection: asyncpg.Connection, workspace_id: UUID) -> None:
    """Waits until nobody else moves the workspace's pipeline, and keeps it so until the transaction ends."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", lock_key(workspace_id))


def _refusal(applied: Applied) -> str | None:
    return next((because for one in applied.settlements if (because := _why(one)) is not None), None)


def _why(settlement: Settlement) -> str | None:
    # What is done needs no reason; whatever has one was set aside, waits, or could not be read.
    return settlement.because
