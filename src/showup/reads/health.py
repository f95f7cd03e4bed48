"""What the database says about itself and about the work that waits, for whoever looks after it."""

from datetime import datetime

from msgspec import Struct
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.database.tables import calcom_events


class Health(Struct, frozen=True, kw_only=True):
    """`version` is PostgreSQL's number, such as 180004; `now` its time; raw events are counted by state."""

    version: int
    now: datetime
    waiting: int
    failed: int
    unreadable: int
    oldest_waiting_at: datetime | None


async def server(tx: AsyncConnection) -> tuple[int, datetime]:
    """The server's version number and its time, asked of any database, migrated or not."""
    query = text("SELECT CAST(current_setting('server_version_num') AS int), clock_timestamp()")
    version, now = (await tx.execute(query)).one()
    return version, now


async def health(tx: AsyncConnection) -> Health:
    """All of it, of a migrated database."""
    version, now = await server(tx)
    state = calcom_events.c.state
    counted = select(
        func.count().filter(state == "kept"),
        func.count().filter(state == "failed"),
        func.count().filter(state == "unreadable"),
        func.min(calcom_events.c.received_at).filter(state == "kept"),
    ).where(state.in_(("kept", "failed", "unreadable")))
    waiting, failed, unreadable, oldest = (await tx.execute(counted)).one()
    return Health(
        version=version, now=now, waiting=waiting, failed=failed, unreadable=unreadable, oldest_waiting_at=oldest
    )
