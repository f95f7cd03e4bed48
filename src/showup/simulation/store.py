"""What the log says of sample data."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.database.tables import calcom_events

# Whoever loads the sample holds it, so that two at once don't load it twice. The number means nothing.
_LOCK = 5_108_330_214_667_901


async def sample_loaded_at(tx: AsyncConnection, workspace_id: UUID) -> datetime | None:
    """When the workspace got its sample, None if it has none; nobody else loads one until `tx` ends."""
    await tx.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    query = select(func.min(calcom_events.c.received_at)).where(
        calcom_events.c.workspace_id == workspace_id, calcom_events.c.origin == "sample"
    )
    found: datetime | None = (await tx.execute(query)).scalar_one()
    return found
