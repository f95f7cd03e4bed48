"""Processes an inbox event again: after a fix in Showup, an unreadable event may become readable."""

from uuid import UUID

from sqlalchemy import case, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.database.tables import connections, inbox_events
from showup.inbox.store import CHANNEL

_REPLAYABLE_STATES = ("unreadable", "ignored", "failed")
_is_routed = exists().where(
    connections.c.id == inbox_events.c.account_id, connections.c.settings["routed"].as_boolean()
)


async def replay_event(tx: AsyncConnection, event_id: UUID) -> bool:
    """Passes the event to the projector once more; returns False when there is nothing to process again.

    An event that was applied, waits for its booking or is a duplicate has the same result every time.
    """
    changed = await tx.execute(
        update(inbox_events)
        .where(inbox_events.c.id == event_id, inbox_events.c.state.in_(_REPLAYABLE_STATES))
        .values(
            state="pending",
            because=None,
            attempts=0,
            next_try_at=None,
            replayed_at=func.now(),
            # The event may now concern a booking that routes sent to another workspace, so it is routed again.
            workspace_id=case((_is_routed, None), else_=inbox_events.c.workspace_id),
        )
    )
    await tx.execute(select(func.pg_notify(CHANNEL, "")))
    return changed.rowcount > 0
