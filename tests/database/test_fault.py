"""What a fault is taken for, and what of it may be told."""

from collections.abc import Callable

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import connect, raw, transaction
from showup.database.fault import is_away, shown

PASSES = [
    *(asyncpg.ConnectionDoesNotExistError, asyncpg.ConnectionFailureError, asyncpg.CannotConnectNowError),
    *(asyncpg.AdminShutdownError, asyncpg.CrashShutdownError, asyncpg.QueryCanceledError),
    *(asyncpg.TooManyConnectionsError, asyncpg.DiskFullError, asyncpg.OutOfMemoryError, asyncpg.LockNotAvailableError),
    *(asyncpg.DeadlockDetectedError, asyncpg.SerializationError),
    *(asyncpg.InterfaceError, PoolExhausted, ConnectionRefusedError, TimeoutError, OSError),
]
STAYS = [
    *(asyncpg.UniqueViolationError, asyncpg.ObjectInUseError, asyncpg.UndefinedColumnError),
    *(asyncpg.NumericValueOutOfRangeError, asyncpg.DataError, ValueError, KeyError),
]


@pytest.mark.parametrize("kind", PASSES, ids=lambda kind: kind.__name__)
def test_what_passes_is_worth_another_try(kind: Callable[[str], Exception]) -> None:
    """R4."""
    assert is_away(kind("words"))


@pytest.mark.parametrize("kind", STAYS, ids=lambda kind: kind.__name__)
def test_what_stays_is_a_mistake(kind: Callable[[str], Exception]) -> None:
    assert not is_away(kind("words"))


async def failed(engine: AsyncEngine, statement: str, **values: object) -> DBAPIError:
    async def run() -> None:
        async with transaction(engine) as tx:
            await tx.execute(text(statement), values)

    with pytest.raises(DBAPIError) as caught:
        await run()
    return caught.value


async def test_a_fault_inside_the_librarys_is_seen(engine: AsyncEngine, database_url: str) -> None:
    late = await failed(engine, "DO $$ BEGIN RAISE query_canceled; END $$")
    assert (is_away(late), shown(late)) == (True, "QueryCanceledError (57014)")
    wrong = await failed(engine, "SELECT CAST(:number AS int)", number="Ann")
    assert (is_away(wrong), shown(wrong)) == (False, "DataError (22000)")
    async with engine.connect() as cut, connect(database_url).connect() as cutter:
        driver = await raw(cut)
        await cutter.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": driver.get_server_pid()})
        with pytest.raises(DBAPIError) as caught:
            await cut.execute(text("SELECT 1"))
        await cutter.rollback()
        await cutter.engine.dispose()
    assert is_away(caught.value)


async def test_a_fault_is_shown_without_what_it_is_about(engine: AsyncEngine) -> None:
    """S-logs: neither the values of the statement nor those that PostgreSQL repeats."""
    insert = "INSERT INTO workspaces (id, slug, name) VALUES (gen_random_uuid(), :slug, :slug)"
    async with transaction(engine) as tx:
        await tx.execute(text(insert), {"slug": "ann@acme.example"})
    fault = await failed(engine, insert, slug="ann@acme.example")
    assert shown(fault) == "UniqueViolationError (23505, table workspaces, constraint uq_workspaces_slug)"
    assert fault.hide_parameters
    nothing = await failed(engine, "INSERT INTO workspaces (id, name) VALUES (gen_random_uuid(), 'Ann')")
    assert shown(nothing) == "NotNullViolationError (23502, table workspaces, column slug)"
    assert shown(ValueError("ann@acme.example")) == "ValueError"
