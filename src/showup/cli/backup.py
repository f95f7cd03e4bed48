"""Implements `showup backup` and `showup restore`."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from showup.cli.errors import CliError
from showup.cli.output import print_json

if TYPE_CHECKING:
    from showup.backup.archive import Archive, Manifest
    from showup.container import Container, ProcessConfig
    from showup.settings import Settings

BackupFile = Annotated[Path, typer.Argument(metavar="FILE", help="The file of the backup.")]


def backup(file: BackupFile, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Back up everything that Showup stores into one file, while Showup runs.

    SHOWUP_BACKUP_PASSPHRASE encrypts it. Without it, keep the file as safe as the database: it contains all data and,
    of an embedded database, the key of stored credentials.

    Example: showup backup /srv/backups/showup.backup
    """
    from showup.backup.postgres_tools import ProgramFailed
    from showup.cli.runner import run_command_with_config

    if file.exists():
        raise CliError(f"{file} exists. Choose another name, so that no backup is lost.")

    async def work(container: "Container", config: "ProcessConfig") -> "Manifest":
        from showup.backup.create import create_backup, read_manifest
        from showup.cli.backup_plan import backup_plan

        plan = backup_plan(container, config)
        manifest = await read_manifest(container.engine, plan, container.clock())
        with _progress("Writing the backup") as on_bytes:
            await asyncio.to_thread(create_backup, plan, manifest, file, on_bytes)
        return manifest

    try:
        manifest = run_command_with_config(work)
    except ProgramFailed as fault:
        raise CliError(f"PostgreSQL could not write the backup: {fault}") from None
    except OSError as fault:
        raise CliError(f"{file} can't be written: {fault.strerror}.") from None
    size = file.stat().st_size
    if json:
        print_json({"file": str(file), "bytes": size, "encrypted": manifest.is_encrypted})
        return
    print(f"Wrote {file}, {_readable(size)}{', encrypted' if manifest.is_encrypted else ', not encrypted'}.")


def restore(
    file: BackupFile,
    send_due: Annotated[
        bool,
        typer.Option(
            "--send-due",
            help="Send the deliveries that became due. Use it only if the old server was stopped before the backup.",
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Restore a backup into an empty database: a new data folder, or the DATABASE_URL of an empty one.

    Deliveries that were due by now are skipped, because the old server may have sent them after the backup. Compare
    with Cal.com afterwards, to get the bookings since the backup: `showup calcom backfill`.

    Example: SHOWUP_DATA_DIR=/srv/showup showup restore /srv/backups/showup.backup
    """
    from showup.backup.archive import BackupUnusable, open_archive
    from showup.backup.postgres_tools import ProgramFailed
    from showup.clock import system_clock
    from showup.settings import load, reveal

    settings = load()
    try:
        with open_archive(file, reveal(settings.backup_passphrase)) as archive:
            _restore(settings, archive, None if send_due else system_clock())
            made = archive.manifest.created_at
    except (BackupUnusable, ProgramFailed) as fault:
        raise CliError(f"Nothing was restored. {fault}") from None
    if json:
        print_json({"file": str(file), "created_at": made})
        return
    print(f"Restored the state of {made:%d %B %Y, %H:%M} UTC. Check it with `showup verify` and `showup doctor`.")


def _restore(settings: "Settings", archive: "Archive", now: datetime | None) -> None:
    from showup.backup.restore import restore_backup
    from showup.container import open_database

    key = archive.read_key()
    with open_database(settings, key=key) as (config, _), _progress("Restoring the backup") as on_bytes:
        _check_key(settings, config, key)
        asyncio.run(restore_backup(config.direct_url, archive, now=now, on_bytes=on_bytes))


def _check_key(settings: "Settings", config: "ProcessConfig", key: str | None) -> None:
    """Raise BackupUnusable if the restored credentials could not be decrypted."""
    from showup.backup.archive import BackupUnusable
    from showup.container import data_folder

    known_keys = [one.strip() for one in config.secret_keys.split(",")]
    if key is None and settings.secret_key is None:
        raise BackupUnusable(
            "The backup doesn't contain the key of its credentials. Set SHOWUP_SECRET_KEY to its server's key."
        )
    if key is None or key in known_keys:
        return
    if settings.secret_key is None:
        raise BackupUnusable(f"{data_folder(settings)} belongs to another Showup. Set SHOWUP_DATA_DIR to a new folder.")
    raise BackupUnusable(
        "The backup contains the key of its credentials, and SHOWUP_SECRET_KEY is another one. To get the key, restore "
        "into a new SHOWUP_DATA_DIR, without DATABASE_URL and SHOWUP_SECRET_KEY: it is then in its file secret.key."
    )


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int], None]]:
    """Show how much was written, on a terminal."""
    from rich.console import Console
    from rich.progress import DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=None)
        yield lambda size: progress.advance(task, size)


def _readable(size: int) -> str:
    from rich.filesize import decimal

    return decimal(size)
