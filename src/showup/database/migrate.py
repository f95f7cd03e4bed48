"""Upgrade a database to the current tables, and report where it differs."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from showup.database.address import SCHEMA
from showup.database.engine import connect, transaction, translate_errors
from showup.database.fault import driver_error_of
from showup.database.tables import metadata

if TYPE_CHECKING:
    from alembic.config import Config

# The migrating process holds this lock, so that two processes that start at once migrate one after the other. The
# number is arbitrary.
_LOCK = 7_305_211_848_190_325
# While a migration waits for a lock, all later users of the table wait behind it. A webhook must be stored within
# 400 ms (IN3), so a migration waits for less, lets the others through, and tries again.
_LOCK_TIMEOUT = "200ms"
_LOCK_PAUSE = 0.3
_LOCKED_FOR = 5.0
_FOLDER = Path(__file__).parent / "migrations"
# Tables that we do not define: Alembic's own, and those of the jobs, which PgQueuer's installer creates.
_DIGEST = "SELECT obj_description(to_regclass('alembic_version'), 'pg_class')"
_SHOWN_DIFFERENCES = 3
_FOREIGN_TABLES = ("alembic_version", "pgqueuer")

# The parts of a schema, as PostgreSQL describes them, so that two schemas can be compared.
_SCHEMA_PARTS = text(
    """
    SELECT 'column ' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
           || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
           || CASE a.attgenerated WHEN 's' THEN ' GENERATED ' ELSE ' DEFAULT ' END
           || coalesce(pg_get_expr(d.adbin, d.adrelid), 'none')
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
      LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
     WHERE c.relnamespace = CAST(:schema AS regnamespace) AND c.relkind IN ('r', 'p')
       AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT 'index ' || replace(pg_get_indexdef(i.indexrelid), :schema || '.', '')
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     WHERE c.relnamespace = CAST(:schema AS regnamespace)
    UNION ALL
    SELECT 'constraint ' || conrelid::regclass || '.' || conname || ' ' || pg_get_constraintdef(oid)
      FROM pg_constraint
     WHERE connamespace = CAST(:schema AS regnamespace) AND contype IN ('p', 'u', 'f', 'c')
    """
)


class DatabaseNewer(Exception):
    """A newer version of Showup has migrated this database."""

    def __init__(self, current: str, newest: str) -> None:
        super().__init__(
            f"The database is at revision {current}, but this version of Showup supports revisions up to {newest}. "
            "Run the newer version, or restore a backup from before its migration."
        )


class DatabaseChanged(Exception):
    """A build between two releases made this database: its revision is ours, and its tables are not."""

    def __init__(self, missing: Sequence[str]) -> None:
        shown = "; ".join(part.removeprefix("missing: ") for part in missing[:_SHOWN_DIFFERENCES])
        more = f" and {len(missing) - _SHOWN_DIFFERENCES} more" if len(missing) > _SHOWN_DIFFERENCES else ""
        super().__init__(
            f"Another build of this version of Showup made the database. It lacks: {shown}{more}. No migration leads"
            " from there to here. To begin anew, set SHOWUP_DATA_DIR to a new folder or move the old one away; with"
            " DATABASE_URL, name an empty database. To keep the data, run the build that made it."
        )


async def upgrade(url: str) -> None:
    """Upgrade the database at `url` to the newest revision, all steps or none; wait for other migrations.

    Raises DatabaseNewer, DatabaseChanged and DatabaseUnavailable; the last one also if other sessions keep a table
    locked for 5 s.
    """
    digest = _migrations_digest()
    # A step may take as long as its tables require: only locks have a time limit.
    engine = connect(url, pool_size=1, statement_timeout=None)
    try:
        async with translate_errors(url):
            is_known = await _upgrade_between_others(engine, digest)
        if not is_known:
            # The migrations were edited since. That matters only if the tables differ.
            if missing := [one for one in await find_drift(url) if one.startswith("missing: ")]:
                raise DatabaseChanged(missing)
            async with translate_errors(url), transaction(engine) as tx:
                await _set_digest(tx, digest)
    finally:
        await engine.dispose()


async def _upgrade_between_others(engine: AsyncEngine, digest: str) -> bool:
    """Upgrade; repeat it while others hold a lock. Return whether these migrations made the tables."""
    give_up_at = asyncio.get_running_loop().time() + _LOCKED_FOR
    while True:
        try:
            async with transaction(engine) as tx:
                return await _upgrade_once(tx, digest)
        except DBAPIError as fault:
            is_locked = isinstance(driver_error_of(fault), asyncpg.LockNotAvailableError)
            if not is_locked or asyncio.get_running_loop().time() > give_up_at:
                raise
        await asyncio.sleep(_LOCK_PAUSE)


async def _upgrade_once(tx: AsyncConnection, digest: str) -> bool:
    await tx.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    await tx.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
    await tx.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
    current, newest = await read_revisions(tx)
    if current is not None and current > newest:
        raise DatabaseNewer(current, newest)
    if current != newest:
        await tx.run_sync(_upgrade)
        await _set_digest(tx, digest)
    return bool(await tx.scalar(text(_DIGEST)) == digest)


def _migrations_digest() -> str:
    """Return what tells these migrations from others of the same revision."""
    content = b"".join(path.read_bytes() for path in sorted(_FOLDER.glob("versions/[0-9]*.py")))
    return f"migrations {sha256(content).hexdigest()}"


async def _set_digest(tx: AsyncConnection, digest: str) -> None:
    # It stands at Alembic's table, which no migration creates and no comparison reads.
    await tx.exec_driver_sql(f"COMMENT ON TABLE alembic_version IS '{digest}'")


async def read_revisions(connection: AsyncConnection) -> tuple[str | None, str]:
    """Return the revision of the database (None: empty) and the newest one there is."""
    newest = newest_revision()
    if not await connection.scalar(text("SELECT to_regclass('alembic_version')")):
        return None, newest
    return await connection.scalar(text("SELECT version_num FROM alembic_version")), newest


def newest_revision() -> str:
    """Return the newest revision that this version knows, such as `0001`."""
    # This runs at every start, and Alembic, which could answer too, loads slowly.
    return max(path.name.partition("_")[0] for path in _FOLDER.glob("versions/[0-9]*.py"))


async def find_drift(url: str) -> list[str]:
    """Return where the database at `url` differs from `tables`, one line per difference; empty if equal.

    It creates the tables beside the existing ones, in a transaction that it then rolls back. Raises
    DatabaseUnavailable.
    """
    engine = connect(url, pool_size=1)
    try:
        async with translate_errors(url), engine.connect() as connection:
            current = await _parts(connection, SCHEMA)
            await connection.execute(text("CREATE SCHEMA showup_expected"))
            await connection.execute(text("SET LOCAL search_path TO showup_expected"))
            await connection.run_sync(metadata.create_all)
            expected = await _parts(connection, "showup_expected")
            await connection.rollback()
    finally:
        await engine.dispose()
    return [f"missing: {part}" for part in sorted(expected - current)] + [
        f"not in tables: {part}"
        for part in sorted(current - expected)
        if not any(name in part for name in _FOREIGN_TABLES)
    ]


def _upgrade(connection: Connection) -> None:
    # Alembic's notes about its own loading do not help readers of our log.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    from alembic import command

    configuration = _configuration()
    configuration.attributes["connection"] = connection
    command.upgrade(configuration, "head")


def _configuration() -> "Config":
    from alembic.config import Config

    configuration = Config()
    configuration.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    configuration.set_main_option("path_separator", "os")
    return configuration


async def _parts(connection: AsyncConnection, schema: str) -> set[str]:
    parts: Iterable[str] = (await connection.execute(_SCHEMA_PARTS, {"schema": schema})).scalars()
    return set(parts)
