"""Let one process at a time make a scheduled backup."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

# The number is arbitrary.
_LOCK: Final = 5_310_278_114_905_617


@asynccontextmanager
async def only_here(engine: AsyncEngine) -> AsyncIterator[bool]:
    """Hold the lock of backups, and yield whether no other process holds it. It ends with the process."""
    async with engine.connect() as session:
        if not await session.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}):
            yield False
            return
        # The lock is the session's: no transaction stays open meanwhile.
        await session.commit()
        try:
            yield True
        finally:
            await session.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})
