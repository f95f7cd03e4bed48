"""Connect to PostgreSQL: one engine per process, one transaction per unit of work."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from showup.database.address import SCHEMA, AddressError, driver_arguments, is_transaction_pooler, redact
from showup.database.fault import driver_error_of

CONNECT_TIMEOUT = 10.0
"""Seconds after which a server that does not answer counts as unavailable."""

_POOL_TIMEOUT = 5.0
_STATEMENT_TIMEOUT = 60.0
_RECYCLE_AFTER = 1800


# In this order: a timeout is an OSError too, and every refusal is a PostgresError.
_REASONS = (
    (
        (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError),
        "it refuses the user or the password; check DATABASE_URL",
    ),
    (asyncpg.InvalidCatalogNameError, "{cause}; create it, or check DATABASE_URL"),
    ((asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError), "{cause}; try again in a moment"),
    (TimeoutError, f"no answer within {CONNECT_TIMEOUT:.0f} s; check the address and the network"),
    ((OSError, asyncpg.PostgresConnectionError), "{cause}; check that it runs, and check DATABASE_URL"),
    (asyncpg.ClientConfigurationError, "{cause}; check DATABASE_URL"),
    (asyncpg.LockNotAvailableError, "other sessions hold locks on its tables; try again in a moment"),
    (asyncpg.InsufficientPrivilegeError, "{cause}; grant it to the user in DATABASE_URL"),
)


class DatabaseUnavailable(Exception):
    """The database cannot be reached; the text says which address was tried, why, and what to do."""


def connect(url: str, *, pool_size: int = 10, statement_timeout: float | None = _STATEMENT_TIMEOUT) -> AsyncEngine:
    """Return an engine for the PostgreSQL at `url`, with at most `pool_size` connections; it connects on first use.

    `url` is libpq's: `postgresql://user:password@host:port/name?sslmode=…`, or `?host=<socket folder>`. With
    `?pgbouncer=true`, or on port 6543, no statement stays prepared. A statement that takes more than
    `statement_timeout` seconds fails. Raises AddressError.
    """
    engine = create_async_engine(
        "postgresql+asyncpg://",
        connect_args=driver_arguments(url)
        | {
            "timeout": CONNECT_TIMEOUT,
            "command_timeout": statement_timeout,
        },
        # An error's text ends up in logs, and the values of a statement are personal data.
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=_POOL_TIMEOUT,
        pool_recycle=_RECYCLE_AFTER,
        pool_use_lifo=True,
    )
    event.listen(engine.sync_engine, "checkout", _check_open)
    if is_transaction_pooler(url):
        event.listen(engine.sync_engine, "begin", _set_search_path)
    return engine


def _check_open(dbapi_connection: Any, *_: object) -> None:
    # SQLAlchemy's own `pool_pre_ping` asks the server, which takes three round trips for each transaction. The driver
    # knows when a connection has ended, and the keepalive options end one whose other end is gone.
    if dbapi_connection.driver_connection.is_closed():
        raise DisconnectionError


def _set_search_path(connection: Connection) -> None:
    # The pooler rejects `search_path` at connection time, and the next transaction may use another server connection.
    connection.exec_driver_sql(f"SET LOCAL search_path TO {SCHEMA}")


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Open a connection in its own transaction: commit at the end, roll back on an exception."""
    async with engine.begin() as tx:
        yield tx


async def driver_connection(tx: AsyncConnection) -> asyncpg.Connection:
    """Return the driver's own connection under `tx`, inside the same transaction."""
    driver: asyncpg.Connection = (await tx.get_raw_connection()).driver_connection
    # SQLAlchemy begins at the first statement: before it, the driver would commit on its own.
    if not driver.is_in_transaction():
        await tx.exec_driver_sql("SELECT 1")
    return driver


@asynccontextmanager
async def translate_errors(url: str) -> AsyncIterator[None]:
    """Translate errors of an unreachable PostgreSQL at `url` into `DatabaseUnavailable`."""
    try:
        yield
    except AddressError as error:
        raise DatabaseUnavailable(f"{error} Check DATABASE_URL.") from None
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, DBAPIError) as error:
        if (reason := _unavailable_reason(error)) is None:
            raise
        raise DatabaseUnavailable(f"PostgreSQL at {redact(url)} can't be used: {reason}.") from error


def _unavailable_reason(error: BaseException) -> str | None:
    driver_error = driver_error_of(error)
    reason = next((reason for types, reason in _REASONS if isinstance(driver_error, types)), None)
    return None if reason is None else reason.format(cause=str(driver_error).replace("\n", " ").rstrip("."))


@asynccontextmanager
async def rolled_back(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """Run the block in a savepoint of the open transaction, and take back what it did, also if it fails."""
    savepoint = connection.transaction()
    await savepoint.start()
    try:
        yield
    finally:
        await savepoint.rollback()
