"""Databases that tests use one after another: resetting one takes a hundredth of the time that creating one takes."""

# ruff: noqa: S608  # the names in statements come from PostgreSQL's catalogue, and are quoted

import asyncio
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg

TEMPLATE: Final = "migrated"
_MOST_GROWTH: Final = 16_000_000
"""A database that grew by more bytes is dropped: deleted rows keep their place for a while, and make scans slow."""

_TABLES = """
    SELECT c.oid::regclass::text AS name,
           (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
            WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '') AS columns
    FROM pg_class c WHERE relnamespace = 'showup'::regnamespace AND relkind = 'r' ORDER BY c.oid
"""
_SEQUENCES = """
    SELECT format('SELECT setval(%L, %s, %L)', format('%I.%I', schemaname, sequencename),
                  coalesce(last_value, start_value), last_value IS NOT NULL)
    FROM pg_sequences
"""
# Each change of a table, index, function or constraint writes a row of the catalogue anew.
_CATALOGUE = """
    WITH schemas AS (SELECT oid FROM pg_namespace WHERE nspname IN ('showup', 'public')),
         relations AS (SELECT oid, xmin FROM pg_class WHERE relnamespace IN (SELECT oid FROM schemas))
    SELECT (SELECT sum(xmin::text::bigint) FROM relations),
           (SELECT sum(xmin::text::bigint) FROM pg_attribute WHERE attrelid IN (SELECT oid FROM relations)),
           (SELECT sum(xmin::text::bigint) FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM relations)),
           (SELECT sum(xmin::text::bigint) FROM pg_constraint WHERE conrelid IN (SELECT oid FROM relations)),
           (SELECT sum(xmin::text::bigint) FROM pg_proc WHERE pronamespace IN (SELECT oid FROM schemas)),
           (SELECT sum(xmin::text::bigint) FROM pg_namespace WHERE nspname !~ '^pg_'),
           (SELECT array_agg(setconfig::text ORDER BY setconfig::text) FROM pg_db_role_setting s
            JOIN pg_database d ON d.oid = s.setdatabase WHERE datname = current_database())
"""
_END_OTHER_SESSIONS = """
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


@dataclass(frozen=True, slots=True)
class PooledDatabase:
    """A copy of a template; `reset` are the statements that restore the template's rows."""

    url: str
    template: str
    reset: str
    catalogue: tuple[object, ...]
    size: int


class DatabasePool:
    """The databases of one process; each is used by one test at a time."""

    def __init__(self, postgres: str) -> None:
        self._postgres = postgres
        self._free: dict[str, list[PooledDatabase]] = defaultdict(list)
        self._sessions = _Sessions()

    def close(self) -> None:
        """Ends the pool's own sessions; the server's folder is removed with its databases."""
        self._sessions.close()

    @asynccontextmanager
    async def database(self, template: str = TEMPLATE) -> AsyncIterator[str]:
        """Yields the address of a database that is like the template, which is by default migrated and empty."""
        taken = await self.take(template)
        yield taken.url
        await self.give_back(taken)

    async def take(self, template: str = TEMPLATE) -> PooledDatabase:
        """Returns a database that is like the template."""
        return self._free[template].pop() if self._free[template] else await self._create(template)

    async def give_back(self, taken: PooledDatabase) -> None:
        """Ends the sessions of the test, and resets the database; drops it if the test changed more than rows."""
        if await self._sessions.reset(taken):
            self._free[taken.template].append(taken)
        else:
            await self._execute(f"DROP DATABASE {database_name(taken.url)} WITH (FORCE)")

    async def _create(self, template: str) -> PooledDatabase:
        name = f"test_{uuid4().hex}"
        if template != TEMPLATE:
            await self._sessions.end(with_database(self._postgres, template))
        await self._execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        url = with_database(self._postgres, name)
        driver = await asyncpg.connect(url)
        try:
            reset = await _save_rows(driver)
            return PooledDatabase(url, template, reset, await _catalogue(driver), await _size(driver))
        finally:
            await driver.close()

    async def _execute(self, statement: str) -> None:
        driver = await asyncpg.connect(self._postgres)
        try:
            await driver.execute(statement)
        finally:
            await driver.close()


class _Sessions:
    """One session for each database that was reset, in a thread of its own: the event loop of a test ends with it.

    A new session would read the catalogue of all tables again, which takes longer than all else here.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._drivers: dict[str, asyncpg.Connection] = {}

    async def reset(self, taken: PooledDatabase) -> bool:
        """Ends the other sessions, and restores the rows; returns False if more than rows were changed."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._reset(taken), self._loop))

    async def end(self, url: str) -> None:
        """Ends the session of a database, if it has one: PostgreSQL copies only databases that have none."""
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._end(url), self._loop))

    def close(self) -> None:
        """Ends all sessions and the thread."""
        for url in list(self._drivers):
            asyncio.run_coroutine_threadsafe(self._end(url), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _reset(self, taken: PooledDatabase) -> bool:
        driver = await self._driver(taken.url)
        await driver.execute(_END_OTHER_SESSIONS)
        if await _catalogue(driver) != taken.catalogue or await _size(driver) >= taken.size + _MOST_GROWTH:
            await self._end(taken.url)
            return False
        await driver.execute(taken.reset)
        return True

    async def _driver(self, url: str) -> asyncpg.Connection:
        try:
            if url in self._drivers:
                await self._drivers[url].execute("SELECT 1")
                return self._drivers[url]
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            # The test had ended all sessions of its database.
            self._drivers.pop(url).terminate()
        self._drivers[url] = await asyncpg.connect(url)
        return self._drivers[url]

    async def _end(self, url: str) -> None:
        if url in self._drivers:
            await self._drivers.pop(url).close()


def with_database(url: str, name: str) -> str:
    """Returns the address of another database on the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def database_name(url: str) -> str:
    """Returns the name of the database in an address."""
    return urlsplit(url).path.removeprefix("/")


async def _save_rows(driver: asyncpg.Connection) -> str:
    """Copies the rows that the database has now to another schema; returns the statements that restore them."""
    tables = await driver.fetch(_TABLES)
    # Without the triggers: those of foreign keys, and those that keep the log from being deleted.
    statements = ["SET session_replication_role = replica", *(f"DELETE FROM {table['name']}" for table in tables)]
    await driver.execute("DROP SCHEMA IF EXISTS initial CASCADE; CREATE SCHEMA initial")
    for number, table in enumerate(tables):
        name, columns = table["name"], table["columns"]
        if await driver.fetchval(f"SELECT EXISTS (SELECT FROM {name})"):
            await driver.execute(f"CREATE TABLE initial.t{number} AS SELECT {columns} FROM {name}")
            statements.append(
                f"INSERT INTO {name} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM initial.t{number}"
            )
    sequences: Sequence[asyncpg.Record] = await driver.fetch(_SEQUENCES)
    return "; ".join([*statements, *(row[0] for row in sequences)])


async def _catalogue(driver: asyncpg.Connection) -> tuple[object, ...]:
    return tuple(await driver.fetchrow(_CATALOGUE))


async def _size(driver: asyncpg.Connection) -> int:
    size: int = await driver.fetchval("SELECT pg_database_size(current_database())")
    return size
