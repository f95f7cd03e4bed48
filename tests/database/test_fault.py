"""Database errors are classified as outages or programming errors, and logged without their values."""

from collections.abc import Callable

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import connect, driver_connection, transaction
from showup.database.fault import describe_error, is_outage

OUTAGES = [
    *(asyncpg.ConnectionDoesNotExistError, asyncpg.ConnectionFailureError, asyncpg.CannotConnectNowError),
    *(asyncpg.AdminShutdownError, asyncpg.CrashShutdownError, asyncpg.QueryCanceledError),
    *(asyncpg.TooManyConnectionsError, asyncpg.DiskFullError, asyncpg.OutOfMemoryError, asyncpg.LockNotAvailableError),
    *(asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.InvalidCachedStatementError),
    *(asyncpg.InterfaceError, PoolExhausted, ConnectionRefusedError, TimeoutError, OSError),
]
MISTAKES = [
    *(asyncpg.UniqueViolationError, asyncpg.ObjectInUseError, asyncpg.UndefinedColumnError),
    *(asyncpg.NumericValueOutOfRangeError, asyncpg.DataError, ValueError, KeyError),
]


@pytest.mark.parametrize("kind", OUTAGES, ids=lambda kind: kind.__name__)
def test_an_outage_is_worth_a_retry(kind: Callable[[str], Exception]) -> None:
    """R4."""
    assert is_outage(kind("words"))


@pytest.mark.parametrize("kind", MISTAKES, ids=lambda kind: kind.__name__)
def test_a_mistake_is_not_an_outage(kind: Callable[[str], Exception]) -> None:
    assert not is_outage(kind("words"))


async def run_failing(engine: AsyncEngine, statement: str, **values: object) -> DBAPIError:
    async def run() -> None:
        async with transaction(engine) as tx:
            await tx.execute(text(statement), values)

    with pytest.raises(DBAPIError) as caught:
        await run()
    return caught.value


async def test_the_drivers_error_inside_sqlalchemys_is_classified(engine: AsyncEngine, database_url: str) -> None:
    late = await run_failing(engine, "DO $$ BEGIN RAISE query_canceled; END $$")
    assert (is_outage(late), describe_error(late)) == (True, "QueryCanceledError (57014)")
    wrong = await run_failing(engine, "SELECT CAST(:number AS int)", number="Ann")
    assert (is_outage(wrong), describe_error(wrong)) == (False, "DataError (22000)")
    async with engine.connect() as terminated_connection, connect(database_url).connect() as admin_connection:
        driver = await driver_connection(terminated_connection)
        await admin_connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": driver.get_server_pid()})
        with pytest.raises(DBAPIError) as caught:
            await terminated_connection.execute(text("SELECT 1"))
        await admin_connection.rollback()
        await admin_connection.engine.dispose()
    assert is_outage(caught.value)


async def test_an_error_is_described_without_its_values(engine: AsyncEngine) -> None:
    """S-logs: it contains neither the values of the statement nor those that PostgreSQL repeats."""
    insert = "INSERT INTO workspaces (id, slug, name) VALUES (gen_random_uuid(), :slug, :slug)"
    async with transaction(engine) as tx:
        await tx.execute(text(insert), {"slug": "ann@acme.example"})
    fault = await run_failing(engine, insert, slug="ann@acme.example")
    assert describe_error(fault) == "UniqueViolationError (23505, table workspaces, constraint uq_workspaces_slug)"
    assert fault.hide_parameters
    nothing = await run_failing(engine, "INSERT INTO workspaces (id, name) VALUES (gen_random_uuid(), 'Ann')")
    assert describe_error(nothing) == "NotNullViolationError (23502, table workspaces, column slug)"
    assert describe_error(ValueError("ann@acme.example")) == "ValueError"
