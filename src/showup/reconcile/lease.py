"""A lease lets one process at a time reconcile an account; a process that dies loses it after a while."""

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
from showup.database.engine import driver_connection, transaction
from showup.database.fault import describe_error, is_outage
from showup.reconcile import store

LEASE_DURATION: Final = timedelta(minutes=2)
_EXTEND_INTERVAL: Final = 30.0

_log = structlog.get_logger()


class LeaseLost(Exception):
    """Another process reconciles the account now: this one must stop writing."""


class Lease:
    """The exclusive right to reconcile one account."""

    def __init__(self, engine: AsyncEngine, clock: Clock, account_id: UUID, holder: UUID) -> None:
        self.engine = engine
        self.clock = clock
        self.account_id = account_id
        self.holder = holder

    async def extend(self) -> None:
        """Extends the lease from now. Raises LeaseLost."""
        async with transaction(self.engine) as tx:
            await self.extend_in(await driver_connection(tx))

    async def extend_in(self, connection: asyncpg.Connection) -> None:
        """Extends it in a transaction whose writes only the holder may make. Raises LeaseLost."""
        if not await store.extend_lease(connection, self.account_id, self.holder, self.clock() + LEASE_DURATION):
            raise LeaseLost

    async def release(self) -> None:
        """Releases the lease."""
        async with transaction(self.engine) as tx:
            await store.release_lease(await driver_connection(tx), self.account_id, self.holder)

    async def _extend_periodically(self) -> None:
        while True:
            await asyncio.sleep(_EXTEND_INTERVAL)
            try:
                await self.extend()
            except LeaseLost:
                return
            except Exception as fault:
                if not is_outage(fault):
                    raise
                _log.warning("lease not extended", fault=describe_error(fault))


@asynccontextmanager
async def hold_lease(lease: Lease) -> AsyncIterator[Lease]:
    """Extends the lease while the block runs, and releases it at the end."""
    extension = asyncio.create_task(lease._extend_periodically())  # noqa: SLF001  # both are of this file
    try:
        yield lease
    finally:
        extension.cancel()
        with suppress(asyncio.CancelledError):
            await extension
        try:
            await asyncio.shield(lease.release())
        except Exception as fault:
            if not is_outage(fault):
                raise
            _log.warning("lease not released: it will expire", fault=describe_error(fault))
