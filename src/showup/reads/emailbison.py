"""Reads what is known of EmailBison: whether its data are up to date, and which workspace of it is one of ours."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, cast, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.database.tables import connections
from showup.reads.connections import SourceHealth

KIND = "emailbison"


async def emailbison_health(_tx: AsyncConnection, _workspace_id: UUID | None, _now: datetime) -> SourceHealth:
    """Returns whether EmailBison's data are up to date, as `calcom_health` does for Cal.com.

    Leads come from files so far, so no synchronization has a state to report.
    """
    return SourceHealth(available=None, last_synced_at=None, message=None)


async def workspace_of_emailbison(tx: AsyncConnection, emailbison_id: int) -> UUID | None:
    """Returns our workspace whose connection opens this workspace of EmailBison; None if there are none or several."""
    c = connections.c
    query = select(c.workspace_id).where(
        c.kind == KIND, cast(c.settings["workspace_id"].astext, BigInteger) == emailbison_id
    )
    found = set((await tx.execute(query)).scalars())
    return found.pop() if len(found) == 1 else None
