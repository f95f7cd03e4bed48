"""Bringing a database to today's tables, and telling where it isn't there."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.database.engine import connect, explained, transaction
from showup.database.tables import metadata

if TYPE_CHECKING:
    from alembic.config import Config

# Whoever migrates holds it: two processes that start at once take turns. The number means nothing.
_LOCK = 7_305_211_848_190_325
_FOLDER = Path(__file__).parent / "migrations"
# Tables that are not ours to describe: Alembic's own, and those of the jobs, which PgQueuer's installer makes.
_OTHERS = ("alembic_version", "pgqueuer")

# What a schema is made of, in PostgreSQL's own words, so that two of them can be laid side by side.
_PARTS = text(
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

    def __init__(self, stands: str, newest: str) -> None:
        super().__init__(
            f"The database is at revision {stands}, and this version of Showup knows {newest} at most: "
            "run the newer version, or restore the backup from before it."
        )


async def upgrade(url: str) -> None:
    """Bring the database at `url` to the newest revision, all steps or none; waits its turn.

    Raises DatabaseNewer and DatabaseAway; the latter also when others keep a table locked for 5 s, rather
    than hold them up.
    """
    # A step may take as long as its tables are big: no limit but the locks'.
    engine = connect(url, pool_size=1, answered_within=None)
    try:
        async with explained(url), transaction(engine) as tx:
            await tx.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            await tx.execute(text("SET LOCAL lock_timeout = '5s'"))
            stands, newest = await revisions(tx)
            if stands is not None and stands > newest:
                raise DatabaseNewer(stands, newest)
            if stands != newest:
                await tx.run_sync(_upgrade)
    finally:
        await engine.dispose()


async def revisions(connection: AsyncConnection) -> tuple[str | None, str]:
    """The revision of the database (None: empty) and the newest one there is."""
    # Asked at every start: Alembic, which would know too, takes its time to load.
    newest = max(path.name.partition("_")[0] for path in _FOLDER.glob("versions/[0-9]*.py"))
    if not await connection.scalar(text("SELECT to_regclass('alembic_version')")):
        return None, newest
    return await connection.scalar(text("SELECT version_num FROM alembic_version")), newest


async def drift(url: str) -> list[str]:
    """Where the database at `url` differs from `tables`, one line a difference; empty when it is equal.

    The tables are made beside those that stand, in a transaction that is then undone. Raises DatabaseAway.
    """
    engine = connect(url, pool_size=1)
    try:
        async with explained(url), engine.connect() as connection:
            stands = await _parts(connection, "public")
            await connection.execute(text("CREATE SCHEMA showup_wanted"))
            await connection.execute(text("SET LOCAL search_path TO showup_wanted"))
            await connection.run_sync(metadata.create_all)
            wanted = await _parts(connection, "showup_wanted")
            await connection.rollback()
    finally:
        await engine.dispose()
    return [f"missing: {part}" for part in sorted(wanted - stands)] + [
        f"not in tables: {part}" for part in sorted(stands - wanted) if not any(name in part for name in _OTHERS)
    ]


def _upgrade(connection: Connection) -> None:
    # Its notes on its own loading are no news to whoever reads our log.
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
    parts: Iterable[str] = (await connection.execute(_PARTS, {"schema": schema})).scalars()
    return set(parts)
