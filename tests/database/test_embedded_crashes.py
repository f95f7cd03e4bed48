"""The embedded PostgreSQL after a kill: it restarts, with all committed data (R1, R4)."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.database.conftest import ROOT, USER, StartShowup, kill_server, server_pid, wait_for_exit


def test_a_killed_server_is_restarted_in_its_place(showup: StartShowup, folder: Path, uid: int) -> None:
    """R4: clients reach the new server at the old server's address."""
    process = showup(folder, uid)
    process.run_command("open")
    assert process.run_command("ensure") == "False"
    kill_server(folder)
    assert process.run_command("ensure") == "True"
    assert process.run_command("fetch SELECT 1") == "1"
    assert process.run_command("ensure") == "False"


def test_the_supervision_passes_to_another_when_its_holder_is_killed(
    showup: StartShowup, folder: Path, uid: int
) -> None:
    first, second = showup(folder, uid), showup(folder, uid)
    dsn = first.run_command("open")
    second.run_command("open")
    first.kill()
    assert second.run_command("ensure") == "False"
    kill_server(folder)
    assert second.run_command("ensure") == "True"
    assert second.run_command(f"connect {dsn}") == "showup"


@pytest.mark.parametrize("kills_server", [False, True])
def test_every_confirmed_row_outlives_the_process(
    showup: StartShowup, folder: Path, uid: int, kills_server: bool
) -> None:
    """R1: the process, alone or with the server, is killed while it commits."""
    first = showup(folder, uid)
    first.run_command("open")
    first.send("commit")
    confirmed = [int(first.read_line()) for _ in range(200)]
    first.process.kill()
    if kills_server:
        kill_server(folder)
    assert first.process.stdout is not None
    unread = first.process.stdout.read().splitlines(keepends=True)
    confirmed += [int(line) for line in unread if line.endswith("\n")]
    second = showup(folder, uid)
    second.run_command("open")
    count, _, last = second.run_command("fetch SELECT count(*) || ' ' || max(number) FROM confirmed").partition(" ")
    assert count == last
    assert int(last) >= confirmed[-1]


def test_a_stale_pid_that_another_program_now_has_is_ignored(showup: StartShowup, folder: Path, uid: int) -> None:
    """After a container's restart, other programs of the same account get the same small pids."""
    process = showup(folder, uid)
    process.run_command("open")
    pid_file = folder / "postgres" / "18" / "postmaster.pid"
    process.kill()
    kill_server(folder)
    with subprocess.Popen(["sleep", "60"], user=USER if ROOT else None) as other:
        lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(other.pid), *lines[1:], ""]))
        assert showup(folder, uid).run_command("open").startswith("postgresql://")
        assert other.poll() is None
        other.kill()
    assert server_pid(folder) != other.pid


def test_an_interrupted_first_start_is_repeated(showup: StartShowup, empty_folder: Path, uid: int) -> None:
    first = showup(empty_folder, uid)
    first.send("open")
    while not list(empty_folder.glob("postgres/18.new-*/base")):
        time.sleep(0.001)  # initdb does not report when it is half done
    assert not (empty_folder / "postgres" / "18").exists()
    first.kill()
    second = showup(empty_folder, uid)
    assert second.run_command("open").startswith("postgresql://")
    assert second.run_command("fetch SELECT 1") == "1"


def test_a_manually_stopped_server_is_restarted(showup: StartShowup, folder: Path, uid: int) -> None:
    process = showup(folder, uid)
    process.run_command("open")
    pid = server_pid(folder)
    os.kill(pid, signal.SIGINT)
    wait_for_exit(pid)
    assert process.run_command("ensure") == "True"
    assert process.run_command("fetch SELECT 1") == "1"
