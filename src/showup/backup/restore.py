"""Restore a backup into an empty database, without sending anything twice.

Between the backup and its restore, the old server may have sent what the backup says is still to be sent. So deliveries
that were due before the restore are skipped, with this reason; people can retry them.
"""

from collections.abc import Callable
from datetime import datetime

import asyncpg

from showup.backup import held_deliveries_store, postgres_tools
from showup.backup.archive import Archive, BackupUnusable
from showup.database.address import SCHEMA, asyncpg_arguments
from showup.database.engine import CONNECT_TIMEOUT, translate_errors
from showup.database.migrate import newest_revision, upgrade


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
            await held_deliveries_store.hold(connection, now)
        finally:
            await connection.close()
    with postgres_tools.restore(url, on_bytes) as dump:
        archive.read_dump(dump)
    await upgrade(url)
    await finish_restore(url)


async def finish_restore(url: str) -> int:
    """Skip the deliveries that a restore must not send, if that is still to be done; return how many."""
    async with translate_errors(url):
        connection = await asyncpg.connect(**asyncpg_arguments(url), timeout=CONNECT_TIMEOUT)
        try:
            async with connection.transaction():
                return await held_deliveries_store.skip(connection)
        finally:
            await connection.close()
