"""Restore a backup into an empty database, without sending anything twice.

Between the backup and its restore, the old server may have sent what the backup says is still to be sent. So deliveries
that were due before the restore are skipped, with this reason; people can retry them.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import asyncpg

from showup.backup import postgres_tools
from showup.backup.archive import Archive, BackupUnusable
from showup.database.address import SCHEMA, asyncpg_arguments
from showup.database.engine import CONNECT_TIMEOUT, translate_errors
from showup.database.migrate import newest_revision, upgrade

NOT_SENT: Final = "not sent: it was due before a backup was restored, so it may have been sent already"

# A schema of its own: the dump contains the other one. It stays until due deliveries are skipped, however often the
# process dies in between.
_HOLD: Final = f"""
    CREATE SCHEMA IF NOT EXISTS {SCHEMA}_restore;
    CREATE TABLE IF NOT EXISTS {SCHEMA}_restore.restores (due_before timestamptz NOT NULL);
"""
_NOTE: Final = f"INSERT INTO {SCHEMA}_restore.restores VALUES ($1)"  # noqa: S608  # a constant
_SKIP: Final = f"""
    UPDATE {SCHEMA}.deliveries d SET state = 'skipped', because = $1, attempt_id = NULL, updated_at = r.due_before
    FROM (SELECT max(due_before) AS due_before FROM {SCHEMA}_restore.restores) r
    WHERE d.state IN ('scheduled', 'sending') AND d.due_at <= r.due_before
"""  # noqa: S608  # constants


async def restore_backup(url: str, archive: Archive, *, now: datetime | None, on_bytes: Callable[[int], None]) -> None:
    """Restore the backup into the empty database at `url`, completely or not at all, and migrate it.

    `now`: skip the deliveries that are due by then; None: send them. Raises BackupUnusable, ProgramFailed and
    DatabaseUnavailable.
    """
    if archive.manifest.revision > newest_revision():
        raise BackupUnusable(
            f"Version {archive.manifest.showup} of Showup made this backup, and this version doesn't know its tables. "
            "Restore it with that version or a newer one."
        )
    async with translate_errors(url):
        connection = await asyncpg.connect(**asyncpg_arguments(url), timeout=CONNECT_TIMEOUT)
        try:
            if await connection.fetchval("SELECT to_regnamespace($1)", SCHEMA) is not None:
                raise BackupUnusable(
                    "This database already contains data of Showup. Restore into an empty one: set SHOWUP_DATA_DIR to "
                    "a new folder, or DATABASE_URL to an empty database."
                )
            await connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA}_restore CASCADE")
            if now is not None:
                await connection.execute(_HOLD)
                await connection.execute(_NOTE, now)
        finally:
            await connection.close()
    with postgres_tools.restore(url, on_bytes) as dump:
        archive.read_dump(dump)
    await upgrade(url)
    await finish_restore(url)


async def finish_restore(url: str) -> int:
    """Skip the deliveries that a restore must not send, if that is still to be done; return how many.

    Every start calls it: the process that restored may have died.
    """
    async with translate_errors(url):
        connection = await asyncpg.connect(**asyncpg_arguments(url), timeout=CONNECT_TIMEOUT)
        try:
            async with connection.transaction():
                if await connection.fetchval("SELECT to_regclass($1)", f"{SCHEMA}_restore.restores") is None:
                    return 0
                status = await connection.execute(_SKIP, NOT_SENT)
                await connection.execute(f"DROP SCHEMA {SCHEMA}_restore CASCADE")
        finally:
            await connection.close()
    return int(status.split()[-1])
