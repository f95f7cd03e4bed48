"""Keeps one connection that listens to a channel of PostgreSQL's NOTIFY, and replaces it when it is lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, NoReturn, TypeAlias

import asyncpg
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.address import asyncpg_arguments
from showup.database.engine import CONNECT_TIMEOUT, driver_connection
from showup.database.fault import describe_error, is_outage

OpenListener: TypeAlias = Callable[[], AbstractAsyncContextManager[asyncpg.Connection]]
"""Opens a connection that may listen: not through a pooler in transaction mode."""

RETRY_AFTER: Final = 1.0
"""Seconds until a lost connection is replaced."""

_log = structlog.get_logger()


def _ignore() -> None:
    """Do nothing."""


async def listen(
    open_connection: OpenListener,
    channel: str,
    receive: Callable[[str], None],
    *,
    on_connected: Callable[[], None] = _ignore,
    on_lost: Callable[[], None] = _ignore,
) -> NoReturn:
    """Call `receive` with each notification's payload, until it is cancelled.

    Notifications are lost while there is no connection: `on_connected` is called when they begin to arrive, and
    `on_lost` when they no longer do.
    """
    while True:
        is_listening = False
        try:
            async with open_connection() as connection:
                lost = asyncio.Event()
                connection.add_termination_listener(lambda _, lost=lost: lost.set())
                await connection.add_listener(channel, lambda *arguments: receive(arguments[-1]))
                is_listening = True
                on_connected()
                await lost.wait()
        except Exception as fault:
            if not is_outage(fault):
                raise
            _log.debug("LISTEN failed", channel=channel, fault=describe_error(fault))
        if is_listening:
            on_lost()
        await asyncio.sleep(RETRY_AFTER)


def pooled_listener(engine: AsyncEngine) -> OpenListener:
    """Return what opens one of the engine's connections, which the engine then lacks."""

    @asynccontextmanager
    async def open_connection() -> AsyncIterator[asyncpg.Connection]:
        async with engine.connect() as tx:
            connection = await driver_connection(tx)
            # LISTEN begins with the end of its transaction.
            await tx.commit()
            try:
                yield connection
            finally:
                # It still listens, so the pool must not lend it again.
                await tx.invalidate()

    return open_connection


def direct_listener(url: str) -> OpenListener:
    """Return what opens a connection of its own to the PostgreSQL at `url`."""

    @asynccontextmanager
    async def open_connection() -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(**asyncpg_arguments(url), timeout=CONNECT_TIMEOUT)
        try:
            yield connection
        finally:
            connection.terminate()

    return open_connection
