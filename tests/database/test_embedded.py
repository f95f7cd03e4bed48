"""The embedded PostgreSQL in normal use: opened, shared, closed, and inaccessible to other accounts (RU1)."""

import os
import pwd
import stat
import time
from pathlib import Path

import pytest

from showup.database.embedded.folder import default_data_folder
from tests.database.conftest import ROOT, USER, StartShowup, is_running, server_pid, wait_for_exit

requires_root = pytest.mark.skipif(not ROOT, reason="needs root to act as two accounts")
# An account that is neither root nor the server's account.
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


def test_a_fresh_folder_serves_a_durable_database_without_the_network(
    showup: StartShowup, empty_folder: Path, uid: int
) -> None:
    """IN3: committed data is on disk. RU1: it needs no installation and no questions."""
    process = showup(empty_folder, uid)
    assert process.run_command("open") == f"postgresql://showup@/showup?host={empty_folder}/postgres/socket&port=5432"
    assert process.run_command("fetch SELECT current_user || ' ' || current_database()") == "showup showup"
    assert {name: process.run_command(f"fetch SHOW {name}") for name in SETTINGS} == SETTINGS
    query = "SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = 'showup'"
    assert process.run_command(f"fetch {query}") == "bC.UTF-8"
    assert (empty_folder / "postgres" / "18").stat().st_uid == USER


def test_the_last_to_close_stops_the_server(showup: StartShowup, folder: Path, uid: int) -> None:
    first, second = showup(folder, uid), showup(folder, uid)
    dsn = first.run_command("open")
    assert second.run_command("open") == dsn
    pid = server_pid(folder)
    assert first.run_command("close") == "closed"
    assert second.run_command("fetch SELECT 1") == "1"
    assert second.run_command("close") == "closed"
    wait_for_exit(pid)
    assert not is_running(pid)
    assert not (folder / "postgres" / "18" / "postmaster.pid").exists()


def test_closing_passes_the_supervision_to_the_remaining_process(showup: StartShowup, folder: Path, uid: int) -> None:
    first, second = showup(folder, uid), showup(folder, uid)
    first.run_command("open")
    second.run_command("open")
    pid = server_pid(folder)
    assert second.run_command("close") == "closed"
    assert first.run_command("fetch SELECT 1") == "1"
    assert first.run_command("close") == "closed"
    wait_for_exit(pid)
    assert first.run_command("open").startswith("postgresql://")
    assert server_pid(folder) != pid


def test_processes_that_open_a_fresh_folder_at_once_share_one_server(
    showup: StartShowup, empty_folder: Path, uid: int
) -> None:
    processes = [showup(empty_folder, uid) for _ in range(3)]
    for process in processes:
        process.send("open")
    assert len({process.read_line() for process in processes}) == 1
    assert len({process.run_command("fetch SELECT pg_postmaster_start_time()") for process in processes}) == 1


def test_the_server_has_its_own_session_and_inherits_no_locks(showup: StartShowup, folder: Path, uid: int) -> None:
    """The terminal's ctrl-C does not reach it. If it held our locks, no process could replace a killed Showup."""
    process = showup(folder, uid)
    process.run_command("open")
    pid = server_pid(folder)
    assert os.getsid(pid) not in (os.getsid(0), os.getsid(process.process.pid))
    opened = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
    assert opened
    assert not [path for path in opened if path.endswith(".lock") and "PGSQL" not in path]


@pytest.mark.parametrize("name", ["a" * 120, "with space, comma & ünïcode"])
def test_a_path_too_long_for_a_socket_gets_a_private_folder_elsewhere(
    showup: StartShowup, folder: Path, uid: int, name: str
) -> None:
    process = showup(folder / name, uid, TMPDIR=str(folder))
    dsn = process.run_command("open")
    assert process.run_command("fetch SELECT 1") == "1"
    socket_folder = Path(dsn.partition("host=")[2].partition("&")[0])
    assert socket_folder.parent == folder
    assert stat.S_IMODE(socket_folder.stat().st_mode) == 0o700
    assert socket_folder.stat().st_uid == USER


def test_the_server_folders_are_closed_to_others(showup: StartShowup, folder: Path, uid: int) -> None:
    showup(folder, uid).run_command("open")
    for folder_name in ("18", "log", "socket"):
        found = (folder / "postgres" / folder_name).stat()
        assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (USER, 0o700)


@requires_root
def test_a_secret_of_root_beside_the_data_is_closed_to_the_server(showup: StartShowup, root_folder: Path) -> None:
    folder = root_folder / "made-by-showup"
    showup(folder, 0).run_command("open")
    assert folder.stat().st_uid == (folder / "postgres").stat().st_uid == 0
    assert not folder.stat().st_mode & 0o022
    assert not (folder / "postgres").stat().st_mode & 0o022


@requires_root
def test_a_stranger_cannot_connect_even_with_every_folder_open(showup: StartShowup, folder: Path, uid: int) -> None:
    dsn = showup(folder, uid).run_command("open")
    stranger = showup(folder, STRANGER)
    assert stranger.run_command(f"connect {dsn}").startswith("PermissionError")
    for part in (folder / "postgres", folder / "postgres" / "socket"):
        part.chmod(0o755)
    (folder / "postgres" / "socket" / ".s.PGSQL.5432").chmod(0o777)
    assert 'Peer authentication failed for user "showup"' in stranger.run_command(f"connect {dsn}")


@requires_root
def test_the_account_that_runs_the_server_for_root_cannot_connect(showup: StartShowup, root_folder: Path) -> None:
    """It may be `nobody`, and other programs may run as `nobody` too."""
    dsn = showup(root_folder / "data", 0).run_command("open")
    output = showup(root_folder / "data", USER).run_command(f"connect {dsn}")
    assert 'Peer authentication failed for user "showup"' in output


@requires_root
def test_root_may_name_the_account_that_runs_the_server(showup: StartShowup, root_folder: Path) -> None:
    process = showup(root_folder / "data", 0, RUN_AS="daemon")
    process.run_command("open")
    assert process.run_command("fetch SELECT current_user") == "showup"
    assert (root_folder / "data" / "postgres" / "18").stat().st_uid == pwd.getpwnam("daemon").pw_uid


def test_a_full_log_is_rotated(showup: StartShowup, folder: Path, uid: int) -> None:
    process = showup(folder, uid)
    process.run_command("open")
    log = folder / "postgres" / "log" / "postgres.log"
    process.run_command("fetch DO $$ BEGIN RAISE LOG '%', repeat('x', 11000000); END $$")
    while log.stat().st_size < 11_000_000:
        time.sleep(0.001)  # the server's log process writes with a delay
    assert process.run_command("ensure") == "False"
    assert log.with_name("postgres.log.1").stat().st_size >= 11_000_000
    process.run_command("fetch DO $$ BEGIN RAISE LOG 'the next line'; END $$")
    while not log.exists():
        time.sleep(0.001)  # as above
    assert log.stat().st_size < 1000


def test_root_stores_data_where_the_server_has_access() -> None:
    if ROOT:
        assert default_data_folder() == Path("/var/lib/showup")
    else:
        assert Path.home() in default_data_folder().parents
