"""The environment of measurements: the embedded PostgreSQL as Showup runs it, and the databases of a run.

Most measurements have a fresh database. Those that only read share filled ones, which a folder may keep for later runs.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from benchmarks.processor_time import parent_of
from benchmarks.read_data import fill
from showup.access.accounts_store import ensure_defaults
from showup.database.embedded.server import EmbeddedPostgres
from showup.database.engine import connect
from showup.database.migrate import upgrade

_TEMPLATE = "migrated"
_OLD_WAL_FILES = 50
_DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


class BenchmarkEnvironment:
    """A PostgreSQL server, and a folder for the other files of a run."""

    def __init__(self, url: str, folder: Path, postmaster: int | None, version: str) -> None:
        """`postmaster` is the server's process id, or None if unknown; `version` is PostgreSQL's."""
        self.folder = folder
        self.postmaster = postmaster
        self.version = version
        self._url = url
        self._numbers = count(1)

    @asynccontextmanager
    async def database(self) -> AsyncIterator[str]:
        """Yields the address of a migrated database with the default workspace and account; drops it at the end."""
        name = f"measured_{next(self._numbers)}"
        await _execute(self._url, f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}", "CHECKPOINT")
        try:
            yield _of_database(self._url, name)
        finally:
            await _execute(self._url, f"DROP DATABASE {name} WITH (FORCE)")

    async def filled_database(self, bookings: int) -> str:
        """Returns the address of the database with the data of `read_data`, which is filled once."""
        name, incomplete = f"filled_{bookings}", f"filling_{bookings}"
        if not await _exists(self._url, name):
            await _execute(
                self._url,
                f"DROP DATABASE IF EXISTS {incomplete} WITH (FORCE)",
                f"CREATE DATABASE {incomplete} TEMPLATE {_TEMPLATE}",
            )
            await fill(_of_database(self._url, incomplete), bookings)
            await _execute(self._url, f"ALTER DATABASE {incomplete} RENAME TO {name}")
        return _of_database(self._url, name)


@asynccontextmanager
async def open_environment(kept: Path | None = None) -> AsyncIterator[BenchmarkEnvironment]:
    """Yields the environment, in the folder `kept` or in one that is removed at the end.

    Raises an EmbeddedError when PostgreSQL does not start.
    """
    temporary = TemporaryDirectory(prefix="showup-bench-", ignore_cleanup_errors=True)
    with temporary if kept is None else nullcontext(kept) as path:
        folder = _make_accessible(path)
        server = EmbeddedPostgres(folder / "data")
        try:
            url = await asyncio.to_thread(server.open)
            await _prepare_template(url)
            await _age_server(url)
            postmaster, version = await _inspect_server(url)
            yield BenchmarkEnvironment(url, folder, postmaster, version)
        finally:
            await asyncio.to_thread(server.close)


def _make_accessible(path: str | Path) -> Path:
    # As root, PostgreSQL runs under another account, which has to find its files.
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    return folder


async def scalar(url: str, query: str) -> int:
    """Returns the one number that a query returns."""
    driver = await asyncpg.connect(url)
    try:
        return int(await driver.fetchval(query))
    finally:
        await driver.close()


async def _prepare_template(url: str) -> None:
    if not await _exists(url, _TEMPLATE):
        await _execute(url, f"CREATE DATABASE {_TEMPLATE}")
    template = _of_database(url, _TEMPLATE)
    await upgrade(template)
    engine = connect(template, pool_size=1)
    try:
        await ensure_defaults(engine)
    finally:
        await engine.dispose()


async def _age_server(url: str) -> None:
    """Puts the server in the state of one that has run for a while, with WAL files to reuse.

    A new server creates a file of 16 MB for every 7,000 webhooks, and each delays all connections for 50 ms.
    """
    await _execute(url, "ALTER SYSTEM SET min_wal_size = '1GB'", "SELECT pg_reload_conf()")
    driver = await asyncpg.connect(url)
    try:
        for _ in range(_OLD_WAL_FILES):
            # A transaction that writes a little, so that the next file begins.
            await driver.execute("SELECT pg_logical_emit_message(true, '', '')")
            await driver.execute("SELECT pg_switch_wal()")
        await driver.execute("CHECKPOINT")
    finally:
        await driver.close()


async def _inspect_server(url: str) -> tuple[int | None, str]:
    """Returns the postmaster's process id and the version; raises when the server may lose confirmed writes."""
    driver = await asyncpg.connect(url)
    try:
        for name, expected in _DURABLE.items():
            found = await driver.fetchval("SELECT current_setting($1)", name)
            if found != expected:
                raise RuntimeError(
                    f"{name} is {found}: this server may lose confirmed writes, so the benchmarks would be meaningless"
                )
        backend = await driver.fetchval("SELECT pg_backend_pid()")
        return parent_of(backend), str(await driver.fetchval("SELECT current_setting('server_version')"))
    finally:
        await driver.close()


async def _exists(url: str, database: str) -> bool:
    driver = await asyncpg.connect(url)
    try:
        return bool(await driver.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", database))
    finally:
        await driver.close()


async def _execute(url: str, *statements: str) -> None:
    driver = await asyncpg.connect(url)
    try:
        for statement in statements:
            await driver.execute(statement)
    finally:
        await driver.close()


def _of_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
