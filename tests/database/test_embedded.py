"""The embedded PostgreSQL in daily life: opened, joined, closed, and closed to everybody else (RU1)."""

import os
import pwd
import stat
import time
from pathlib import Path

import pytest

from showup.database.embedded.folder import default_data_folder
from tests.database.conftest import ROOT, USER, Start, await_end, running, server_pid

as_root = pytest.mark.skipif(not ROOT, reason="needs root to act as two accounts")
# An account that is neither root nor the server's.
STRANGER = 1

SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "data_checksums": "on",
    "server_encoding": "UTF8",
    "TimeZone": "UTC",
    "listen_addresses": "",
}


def test_a_fresh_folder_serves_a_durable_database_without_the_network(showup: Start, fresh: Path, uid: int) -> None:
    """IN3: what is committed is on disk; RU1: nothing is installed or asked."""
    process = showup(fresh, uid)
    assert process.do("open") == f"postgresql://showup@/showup?host={fresh}/postgres/socket&port=5432"
    assert process.do("fetch SELECT current_user || ' ' || current_database()") == "showup showup"
    assert {name: process.do(f"fetch SHOW {name}") for name in SETTINGS} == SETTINGS
    query = "SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = 'showup'"
    assert process.do(f"fetch {query}") == "bC.UTF-8"
    assert (fresh / "postgres" / "18").stat().st_uid == USER


def test_the_last_to_close_stops_the_server(showup: Start, folder: Path, uid: int) -> None:
    first, second = showup(folder, uid), showup(folder, uid)
    dsn = first.do("open")
    assert second.do("open") == dsn
    pid = server_pid(folder)
    assert first.do("close") == "closed"
    assert second.do("fetch SELECT 1") == "1"
    assert second.do("close") == "closed"
    await_end(pid)
    assert not running(pid)
    assert not (folder / "postgres" / "18" / "postmaster.pid").exists()


def test_closing_leaves_the_supervision_to_whoever_stays(showup: Start, folder: Path, uid: int) -> None:
    first, second = showup(folder, uid), showup(folder, uid)
    first.do("open")
    second.do("open")
    pid = server_pid(folder)
    assert second.do("close") == "closed"
    assert first.do("fetch SELECT 1") == "1"
    assert first.do("close") == "closed"
    await_end(pid)
    assert first.do("open").startswith("postgresql://")
    assert server_pid(folder) != pid


def test_processes_that_open_a_fresh_folder_at_once_share_one_server(showup: Start, fresh: Path, uid: int) -> None:
    processes = [showup(fresh, uid) for _ in range(3)]
    for process in processes:
        process.tell("open")
    assert len({process.hear() for process in processes}) == 1
    assert len({process.do("fetch SELECT pg_postmaster_start_time()") for process in processes}) == 1


def test_the_server_is_on_its_own(showup: Start, folder: Path, uid: int) -> None:
    """The terminal's ctrl-C doesn't reach it; nor do our locks, or no other could replace a killed Showup."""
    process = showup(folder, uid)
    process.do("open")
    pid = server_pid(folder)
    assert os.getsid(pid) not in (os.getsid(0), os.getsid(process.process.pid))
    opened = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
    assert opened
    assert not [path for path in opened if path.endswith(".lock") and "PGSQL" not in path]


@pytest.mark.parametrize("name", ["a" * 120, "with space, comma & ünïcode"])
def test_a_path_that_does_not_fit_a_socket_gets_a_private_folder_elsewhere(
    showup: Start, folder: Path, uid: int, name: str
) -> None:
    process = showup(folder / name, uid, TMPDIR=str(folder))
    dsn = process.do("open")
    assert process.do("fetch SELECT 1") == "1"
    socket_folder = Path(dsn.partition("host=")[2].partition("&")[0])
    assert socket_folder.parent == folder
    assert stat.S_IMODE(socket_folder.stat().st_mode) == 0o700
    assert socket_folder.stat().st_uid == USER


def test_what_the_server_keeps_is_closed_to_others(showup: Start, folder: Path, uid: int) -> None:
    showup(folder, uid).do("open")
    for closed in ("18", "log", "socket"):
        found = (folder / "postgres" / closed).stat()
        assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (USER, 0o700)


@as_root
def test_a_secret_of_root_beside_the_data_is_closed_to_the_server(showup: Start, place: Path) -> None:
    folder = place / "made-by-showup"
    showup(folder, 0).do("open")
    assert folder.stat().st_uid == (folder / "postgres").stat().st_uid == 0
    assert not folder.stat().st_mode & 0o022
    assert not (folder / "postgres").stat().st_mode & 0o022


@as_root
def test_a_stranger_cannot_connect_even_with_every_folder_open(showup: Start, folder: Path, uid: int) -> None:
    dsn = showup(folder, uid).do("open")
    stranger = showup(folder, STRANGER)
    assert stranger.do(f"connect {dsn}").startswith("PermissionError")
    for part in (folder / "postgres", folder / "postgres" / "socket"):
        part.chmod(0o755)
    (folder / "postgres" / "socket" / ".s.PGSQL.5432").chmod(0o777)
    assert 'Peer authentication failed for user "showup"' in stranger.do(f"connect {dsn}")


@as_root
def test_the_account_that_runs_the_server_for_root_is_not_let_in(showup: Start, place: Path) -> None:
    """It may be `nobody`, as which other programs run too."""
    dsn = showup(place / "data", 0).do("open")
    said = showup(place / "data", USER).do(f"connect {dsn}")
    assert 'Peer authentication failed for user "showup"' in said


@as_root
def test_root_may_name_the_account_that_runs_the_server(showup: Start, place: Path) -> None:
    process = showup(place / "data", 0, RUN_AS="daemon")
    process.do("open")
    assert process.do("fetch SELECT current_user") == "showup"
    assert (place / "data" / "postgres" / "18").stat().st_uid == pwd.getpwnam("daemon").pw_uid


def test_a_full_log_is_set_aside(showup: Start, folder: Path, uid: int) -> None:
    process = showup(folder, uid)
    process.do("open")
    log = folder / "postgres" / "log" / "postgres.log"
    process.do("fetch DO $$ BEGIN RAISE LOG '%', repeat('x', 11000000); END $$")
    while log.stat().st_size < 11_000_000:
        time.sleep(0.001)  # the server's log process writes when it gets to it
    assert process.do("ensure") == "False"
    assert log.with_name("postgres.log.1").stat().st_size >= 11_000_000
    process.do("fetch DO $$ BEGIN RAISE LOG 'the next line'; END $$")
    while not log.exists():
        time.sleep(0.001)  # as above
    assert log.stat().st_size < 1000


def test_root_keeps_its_data_where_the_server_can_pass() -> None:
    if ROOT:
        assert default_data_folder() == Path("/var/lib/showup")
    else:
        assert Path.home() in default_data_folder().parents
