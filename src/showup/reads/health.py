"""Reads the state of the database and its pending work, for operators."""

from datetime import datetime

from msgspec import Struct
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.database.tables import inbox_events


class Health(Struct, frozen=True, kw_only=True):
    """`version` is PostgreSQL's number, such as 180004; `now` is its time; inbox events are counted by state."""

    version: int
    now: datetime
    waiting: int
    failed: int
    unreadable: int
    oldest_waiting_at: datetime | None


async def server_version(tx: AsyncConnection) -> tuple[int, datetime]:
    """Returns the server's version number and time from any database, migrated or not."""
    query = text("SELECT CAST(current_setting('server_version_num') AS int), clock_timestamp()")
    version, now = (await tx.execute(query)).one()
    return version, now


async def read_health(tx: AsyncConnection) -> Health:
    """Returns the health of a migrated database."""
    version, now = await server_version(tx)
    state = inbox_events.c.state
    counted = select(
        func.count().filter(state == "pending"),
        func.count().filter(state == "failed"),
        func.count().filter(state == "unreadable"),
        func.min(inbox_events.c.received_at).filter(state == "pending"),
    ).where(state.in_(("pending", "failed", "unreadable")))
    waiting, failed, unreadable, oldest = (await tx.execute(counted)).one()
    return Health(
        version=version, now=now, waiting=waiting, failed=failed, unreadable=unreadable, oldest_waiting_at=oldest
    )
