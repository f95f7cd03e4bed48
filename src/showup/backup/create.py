"""Create a backup of a database."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.backup import postgres_tools
from showup.backup.archive import Manifest, create_archive
from showup.database.engine import transaction
from showup.database.migrate import read_revisions
from showup.reads.health import server_version


class BackupPlan(Struct, frozen=True, kw_only=True):
    """What a backup is made of.

    `url`: the database's direct address. `key`: the key of the embedded database's secrets, which the backup contains;
    None for another database, whose operator keeps the key. `passphrase`: encrypts dump and key.
    """

    url: str
    key: str | None
    passphrase: str | None
    version: str


async def read_manifest(engine: AsyncEngine, plan: BackupPlan, now: datetime) -> Manifest:
    """Return the manifest of a backup that is made now."""
    async with transaction(engine) as tx:
        revision, _ = await read_revisions(tx)
        server, _ = await server_version(tx)
    return Manifest(
        showup=plan.version,
        created_at=now,
        revision=revision or "",
        server=server,
        is_encrypted=plan.passphrase is not None,
    )


def create_backup(plan: BackupPlan, manifest: Manifest, path: Path, on_bytes: Callable[[int], None]) -> None:
    """Write the backup. It blocks, and holds back neither webhooks nor deliveries.

    Raises OSError and ProgramFailed; then there is no file.
    """
    with create_archive(path, manifest, plan.passphrase) as archive:
        with postgres_tools.dump(plan.url, on_bytes) as dump:
            archive.write_dump(dump)
        if plan.key is not None:
            archive.write_key(plan.key)
