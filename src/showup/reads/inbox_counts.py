"""Counts inbox events. The numbers reveal nothing about people, so no permission is needed."""

from msgspec import Struct
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.database.tables import inbox_events

MAX_COUNT = 10_000
"""The log grows without limit, and anyone may ask: counting stops here."""

UNPROCESSED_STATES = ("pending", "failed")


class InboxCounts(Struct, frozen=True, kw_only=True):
    """Inbox events in the log, and those that wait to be applied, each up to MAX_COUNT."""

    events: int
    unprocessed: int


async def count_events(tx: AsyncConnection) -> InboxCounts:
    """Returns the counts of all workspaces together."""
    all_events = select(inbox_events.c.id)
    waiting = all_events.where(inbox_events.c.state.in_(UNPROCESSED_STATES))
    counts = [
        select(func.count()).select_from(rows.limit(MAX_COUNT).subquery()).scalar_subquery()
        for rows in (all_events, waiting)
    ]
    events, unprocessed = (await tx.execute(select(*counts))).one()
    return InboxCounts(events=events, unprocessed=unprocessed)


async def is_reachable(tx: AsyncConnection) -> bool:
    """Returns True; raises the database's error if it does not answer."""
    return bool(await tx.scalar(text("SELECT true")))
