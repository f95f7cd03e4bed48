"""One at a time asks Cal.com about an account: whoever holds its lease. One that dies loses it after a while."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import Clock
from showup.database.engine import raw, transaction
from showup.database.fault import is_away, shown
from showup.reconcile import store

LASTS_FOR: Final = timedelta(minutes=2)
_EXTENDED_EVERY: Final = 30.0

_log = structlog.get_logger()


class LeaseLost(Exception):
    """Somebody else asks about the account now: nothing more may be written."""


class Lease:
    """The right to ask about one account."""

    def __init__(self, engine: AsyncEngine, clock: Clock, account_id: UUID, holder: UUID) -> None:
        self.engine = engine
        self.clock = clock
        self.account_id = account_id
        self.holder = holder

    async def extend(self) -> None:
        """Goes on from now. Raises LeaseLost."""
        async with transaction(self.engine) as tx:
            await self.extend_in(await raw(tx))

    async def extend_in(self, connection: asyncpg.Connection) -> None:
        """The same in a transaction that writes what only the holder may. Raises LeaseLost."""
        if not await store.extend(connection, self.account_id, self.holder, self.clock() + LASTS_FOR):
            raise LeaseLost

    async def release(self) -> None:
        """Lets others ask."""
        async with transaction(self.engine) as tx:
            await store.release(await raw(tx), self.account_id, self.holder)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(_EXTENDED_EVERY)
            try:
                await self.extend()
            except LeaseLost:
                return
            except Exception as fault:
                if not is_away(fault):
                    raise
                _log.warning("a lease can't be extended", fault=shown(fault))


@asynccontextmanager
async def held(lease: Lease) -> AsyncIterator[Lease]:
    """Extends the lease while something is done under it, and releases it at the end."""
    keeping = asyncio.create_task(lease._keep())  # noqa: SLF001  # both are of this file
    try:
        yield lease
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
        try:
            await asyncio.shield(lease.release())
        except Exception as fault:
            if not is_away(fault):
                raise
            _log.warning("a lease can't be released, and ends by itself", fault=shown(fault))
