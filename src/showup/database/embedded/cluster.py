"""Create the database files, completely or not at all; only the same PostgreSQL version may read them."""

import os
import shutil
import tempfile
from pathlib import Path

from showup.database.embedded.binaries import MAJOR, Binaries
from showup.database.embedded.configuration import DATABASE, ROLE
from showup.database.embedded.errors import (
    DiskFull,
    FolderOwnerMismatch,
    NewerVersion,
    OlderVersion,
    ServerNotStarted,
    disk_is_full,
)
from showup.database.embedded.folder import DataFolder
from showup.database.embedded.system_account import name_of

_UNFINISHED = f"{MAJOR}.new-"
_CREATED_WITHIN = 300.0

# The builtin provider sorts the same everywhere; libc's order changes with the system, which breaks indexes.
_INITDB = (
    f"--username={ROLE}",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--data-checksums",
    "--auth=peer",
    "--no-instructions",
)


def provide_cluster(folder: DataFolder, binaries: Binaries) -> None:
    """Create the database files if there are none; refuse those of another version or account."""
    _check_version(folder, binaries.folder)
    if not folder.cluster.exists():
        _create(folder, binaries)
    owner = folder.cluster.stat().st_uid
    if owner != folder.account.uid:
        raise FolderOwnerMismatch(folder.cluster, name_of(owner), folder.account.name)


def _check_version(folder: DataFolder, programs: Path) -> None:
    version_file = folder.cluster / "PG_VERSION"
    if version_file.exists():
        found = int(version_file.read_text())
    else:
        # Each version's files have their own folder name.
        found = max((int(entry.name) for entry in folder.postgres.iterdir() if entry.name.isdecimal()), default=MAJOR)
    if found < MAJOR:
        raise OlderVersion(folder.postgres, found, MAJOR, programs)
    if found > MAJOR:
        raise NewerVersion(folder.postgres, found, MAJOR)


def _create(folder: DataFolder, binaries: Binaries) -> None:
    for leftover in folder.postgres.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    # Never reuse a name: if Showup was killed, its initdb may still be writing under the earlier one.
    unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=folder.postgres))
    try:
        folder.make_private(unfinished)
        _run(folder, binaries, "initdb", f"--pgdata={unfinished}", *_INITDB)
        single_user_arguments = ("--single", "-D", unfinished, "-c", "exit_on_error=true", "postgres")
        _run(
            folder, binaries, "postgres", *single_user_arguments, input_text=f"CREATE DATABASE {DATABASE} OWNER {ROLE}"
        )
        unfinished.rename(folder.cluster)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    _sync(folder.postgres)


def _run(folder: DataFolder, binaries: Binaries, program: str, *arguments: str | Path, input_text: str = "") -> None:
    status, output = binaries.run(program, *arguments, input_text=input_text, timeout=_CREATED_WITHIN)
    if status == 0:
        return
    if disk_is_full(output):
        raise DiskFull(folder.path)
    raise ServerNotStarted(folder.log, f"{program} couldn't create the database files in {folder.postgres}", output)


def _sync(folder: Path) -> None:
    # The rename survives a power cut only after the folder is synced to disk.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
