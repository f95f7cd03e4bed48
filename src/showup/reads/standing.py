"""How Showup is doing, in numbers that tell nothing about anybody: they may be seen without a permit."""

from msgspec import Struct
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.database.tables import calcom_events

COUNTED_AT_MOST = 10_000
"""A log has no end, and anybody may ask: counting stops here."""

UNSETTLED = ("kept", "failed")


class Standing(Struct, frozen=True, kw_only=True):
    """Raw events in the log, and those among them that wait to be applied, each COUNTED_AT_MOST."""

    events: int
    unsettled: int


async def standing(tx: AsyncConnection) -> Standing:
    """The numbers of all workspaces together."""
    every = select(calcom_events.c.id)
    waiting = every.where(calcom_events.c.state.in_(UNSETTLED))
    counts = [
        select(func.count()).select_from(rows.limit(COUNTED_AT_MOST).subquery()).scalar_subquery()
        for rows in (every, waiting)
    ]
    events, unsettled = (await tx.execute(select(*counts))).one()
    return Standing(events=events, unsettled=unsettled)


async def answers(tx: AsyncConnection) -> bool:
    """True; raises what the database raises when it does not."""
    return bool(await tx.scalar(text("SELECT true")))
