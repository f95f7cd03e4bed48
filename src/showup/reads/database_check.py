"""Asks the database whether it answers; no permission is needed."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


async def is_reachable(tx: AsyncConnection) -> bool:
    """Returns True; raises the database's error if it does not answer."""
    return bool(await tx.scalar(text("SELECT true")))
