"""Reads from the log whether sample data exists."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.database.tables import inbox_events

# The process that loads the sample takes this lock, so that it is not loaded twice. The number is arbitrary.
_LOCK = 5_108_330_214_667_901


async def sample_loaded_at(tx: AsyncConnection, workspace_id: UUID) -> datetime | None:
    """Returns when the workspace got its sample, None if it has none; locks out other loaders until `tx` ends."""
    await tx.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    query = select(func.min(inbox_events.c.received_at)).where(
        inbox_events.c.workspace_id == workspace_id, inbox_events.c.origin == "sample", inbox_events.c.state != "erased"
    )
    loaded_at: datetime | None = (await tx.execute(query)).scalar_one()
    return loaded_at
