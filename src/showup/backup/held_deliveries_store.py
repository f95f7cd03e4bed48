"""Deliveries that a restore must not send: noted before it, and skipped after it, however often the process dies."""

from datetime import datetime
from typing import Final

import asyncpg

from showup.database.address import SCHEMA

NOT_SENT: Final = "not sent: it was due before a backup was restored, so it may have been sent already"

# A schema of its own: the dump contains the other one.
_FORGET: Final = f"DROP SCHEMA IF EXISTS {SCHEMA}_restore CASCADE"
_HOLD: Final = f"""
    CREATE SCHEMA {SCHEMA}_restore;
    CREATE TABLE {SCHEMA}_restore.restores (due_before timestamptz NOT NULL);
"""
_NOTE: Final = f"INSERT INTO {SCHEMA}_restore.restores VALUES ($1)"  # noqa: S608  # a constant
_SKIP: Final = f"""
    UPDATE {SCHEMA}.deliveries d SET state = 'skipped', because = $1, attempt_id = NULL, updated_at = r.due_before
    FROM (SELECT max(due_before) AS due_before FROM {SCHEMA}_restore.restores) r
    WHERE d.state IN ('scheduled', 'sending') AND d.due_at <= r.due_before
"""  # noqa: S608  # constants


async def hold(connection: asyncpg.Connection, due_before: datetime | None) -> None:
    """Note that what is due by then is not to be sent; None: forget an earlier note."""
    await connection.execute(_FORGET)
    if due_before is not None:
        await connection.execute(_HOLD)
        await connection.execute(_NOTE, due_before)


async def skip(connection: asyncpg.Connection) -> int:
    """Skip what is noted, and forget the note, in the caller's transaction; return how many deliveries.

    Every start calls it: the process that restored may have died.
    """
    if await connection.fetchval("SELECT to_regclass($1)", f"{SCHEMA}_restore.restores") is None:
        return 0
    status = await connection.execute(_SKIP, NOT_SENT)
    await connection.execute(_FORGET)
    return int(status.split()[-1])
