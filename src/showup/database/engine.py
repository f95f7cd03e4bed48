"""The way to PostgreSQL: one engine a process, one transaction a piece of work."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from showup.database.address import AddressError, driver_arguments, shown
from showup.database.fault import cause

CONNECTED_WITHIN = 10.0
"""Seconds after which a server that doesn't answer counts as away."""

_POOLED_WITHIN = 5.0
_ANSWERED_WITHIN = 60.0
_RENEWED_AFTER = 1800


# In this order: a timeout is an OSError too, and every refusal a PostgresError.
_REASONS = (
    (
        (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError),
        "it refuses the user or the password; check DATABASE_URL",
    ),
    (asyncpg.InvalidCatalogNameError, "{cause}; create it, or check DATABASE_URL"),
    ((asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError), "{cause}; try again in a moment"),
    (TimeoutError, f"no answer within {CONNECTED_WITHIN:.0f} s; check the address and the network"),
    ((OSError, asyncpg.PostgresConnectionError), "{cause}; check that it runs, and DATABASE_URL"),
    (asyncpg.ClientConfigurationError, "{cause}; check DATABASE_URL"),
    (asyncpg.LockNotAvailableError, "others keep its tables locked; try again in a moment"),
    (asyncpg.InsufficientPrivilegeError, "{cause}; grant it to the user in DATABASE_URL"),
)


class DatabaseAway(Exception):
    """The database can't be reached; the text says where it was looked for, why, and what to do."""


def connect(url: str, *, pool_size: int = 10, answered_within: float | None = _ANSWERED_WITHIN) -> AsyncEngine:
    """An engine on the PostgreSQL at `url`, with at most `pool_size` connections; it connects when asked.

    `url` is libpq's: `postgresql://user:password@host:port/name?sslmode=…`, or `?host=<socket folder>`. With
    `?pgbouncer=true`, or on port 6543, no statement stays prepared. A statement that takes more than
    `answered_within` seconds fails. Raises AddressError.
    """
    return create_async_engine(
        "postgresql+asyncpg://",
        connect_args=driver_arguments(url)
        | {
            "timeout": CONNECTED_WITHIN,
            "command_timeout": answered_within,
            "server_settings": {"timezone": "UTC", "application_name": "showup"},
        },
        # An error's text ends in logs, and the values of a statement are people's data.
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=_POOLED_WITHIN,
        pool_recycle=_RENEWED_AFTER,
        pool_pre_ping=True,
        pool_use_lifo=True,
    )


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection in a transaction of its own: committed at the end, rolled back by an exception."""
    async with engine.begin() as tx:
        yield tx


async def raw(tx: AsyncConnection) -> asyncpg.Connection:
    """The driver's own connection under `tx`, inside the same transaction."""
    driver: asyncpg.Connection = (await tx.get_raw_connection()).driver_connection
    # SQLAlchemy begins at the first statement: before one, the driver's work would commit by itself.
    if not driver.is_in_transaction():
        await tx.exec_driver_sql("SELECT 1")
    return driver


@asynccontextmanager
async def explained(url: str) -> AsyncIterator[None]:
    """Turn what a driver raises when PostgreSQL at `url` can't be reached into `DatabaseAway`."""
    try:
        yield
    except AddressError as fault:
        raise DatabaseAway(f"{fault} Check DATABASE_URL.") from None
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, DBAPIError) as fault:
        if (why := _unreachable(fault)) is None:
            raise
        raise DatabaseAway(f"PostgreSQL at {shown(url)} can't be used: {why}.") from fault


def _unreachable(fault: BaseException) -> str | None:
    found = cause(fault)
    told = next((told for kinds, told in _REASONS if isinstance(found, kinds)), None)
    return None if told is None else told.format(cause=str(found).replace("\n", " ").rstrip("."))
