"""Running a raw event again: after a fix of ours, what could not be understood may be understood now."""

from uuid import UUID

from sqlalchemy import case, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.database.tables import calcom_events, connections
from showup.inbox.store import CHANNEL

_RUN_AGAIN = ("unreadable", "ignored", "failed")
_is_routed = exists().where(
    connections.c.id == calcom_events.c.account_id, connections.c.settings["routed"].as_boolean()
)


async def replay(tx: AsyncConnection, event_id: UUID) -> bool:
    """Hands the event to the applier once more; False when there is nothing to run again.

    What was applied, waits for its booking or is a duplicate means the same however often it is run.
    """
    changed = await tx.execute(
        update(calcom_events)
        .where(calcom_events.c.id == event_id, calcom_events.c.state.in_(_RUN_AGAIN))
        .values(
            state="kept",
            because=None,
            attempts=0,
            next_try_at=None,
            replayed_at=func.now(),
            # What it says now may be news of a booking that routes sent elsewhere, so it is sorted anew.
            workspace_id=case((_is_routed, None), else_=calcom_events.c.workspace_id),
        )
    )
    await tx.execute(select(func.pg_notify(CHANNEL, "")))
    return changed.rowcount > 0
