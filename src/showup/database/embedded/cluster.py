"""The files of the database: made once, whole or not at all, and only read by their own version."""

import os
import shutil
import tempfile
from pathlib import Path

from showup.database.embedded.account import name_of
from showup.database.embedded.binaries import MAJOR, Binaries
from showup.database.embedded.configuration import DATABASE, ROLE
from showup.database.embedded.errors import (
    DiskFull,
    FolderOfAnother,
    NewerVersion,
    OlderVersion,
    ServerNotStarted,
    disk_is_full,
)
from showup.database.embedded.folder import DataFolder

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
    """Creates the database files where there are none; refuses those of another version or account."""
    _check_version(folder, binaries.folder)
    if not folder.cluster.exists():
        _create(folder, binaries)
    owner = folder.cluster.stat().st_uid
    if owner != folder.account.uid:
        raise FolderOfAnother(folder.cluster, name_of(owner), folder.account.name)


def _check_version(folder: DataFolder, programs: Path) -> None:
    stated = folder.cluster / "PG_VERSION"
    if stated.exists():
        found = int(stated.read_text())
    else:
        # Each version's files lie under its own name.
        found = max((int(entry.name) for entry in folder.postgres.iterdir() if entry.name.isdecimal()), default=MAJOR)
    if found < MAJOR:
        raise OlderVersion(folder.postgres, found, MAJOR, programs)
    if found > MAJOR:
        raise NewerVersion(folder.postgres, found, MAJOR)


def _create(folder: DataFolder, binaries: Binaries) -> None:
    for left in folder.postgres.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(left, ignore_errors=True)
    # Never the same name twice: an initdb whose Showup was killed may still be writing under the earlier one.
    unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=folder.postgres))
    try:
        folder.private(unfinished)
        _run(folder, binaries, "initdb", f"--pgdata={unfinished}", *_INITDB)
        single = ("--single", "-D", unfinished, "-c", "exit_on_error=true", "postgres")
        _run(folder, binaries, "postgres", *single, told=f"CREATE DATABASE {DATABASE} OWNER {ROLE}")
        unfinished.rename(folder.cluster)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    _sync(folder.postgres)


def _run(folder: DataFolder, binaries: Binaries, program: str, *words: str | Path, told: str = "") -> None:
    status, said = binaries.run(program, *words, told=told, within=_CREATED_WITHIN)
    if status == 0:
        return
    if disk_is_full(said):
        raise DiskFull(folder.path)
    raise ServerNotStarted(folder.log, f"{program} couldn't create the database files in {folder.postgres}", said)


def _sync(folder: Path) -> None:
    # The rename itself survives a power cut only once the folder is on disk.
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
