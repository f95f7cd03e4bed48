"""The embedded PostgreSQL when something is killed: it comes back, with all that it confirmed (R1, R4)."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.database.conftest import ROOT, USER, Start, await_end, kill_server, server_pid


def test_a_killed_server_is_restarted_in_its_place(showup: Start, folder: Path, uid: int) -> None:
    """R4: those who knew the way to the old server find the new one there."""
    process = showup(folder, uid)
    process.do("open")
    assert process.do("ensure") == "False"
    kill_server(folder)
    assert process.do("ensure") == "True"
    assert process.do("fetch SELECT 1") == "1"
    assert process.do("ensure") == "False"


def test_the_supervision_passes_to_another_when_its_holder_is_killed(showup: Start, folder: Path, uid: int) -> None:
    first, second = showup(folder, uid), showup(folder, uid)
    dsn = first.do("open")
    second.do("open")
    first.kill()
    assert second.do("ensure") == "False"
    kill_server(folder)
    assert second.do("ensure") == "True"
    assert second.do(f"connect {dsn}") == "showup"


@pytest.mark.parametrize("server_too", [False, True])
def test_every_confirmed_row_outlives_the_process(showup: Start, folder: Path, uid: int, server_too: bool) -> None:
    """R1: our process is killed while it commits, alone or with the server."""
    first = showup(folder, uid)
    first.do("open")
    first.tell("commit")
    confirmed = [int(first.hear()) for _ in range(200)]
    first.process.kill()
    if server_too:
        kill_server(folder)
    assert first.process.stdout is not None
    unread = first.process.stdout.read().splitlines(keepends=True)
    confirmed += [int(line) for line in unread if line.endswith("\n")]
    second = showup(folder, uid)
    second.do("open")
    count, _, last = second.do("fetch SELECT count(*) || ' ' || max(number) FROM confirmed").partition(" ")
    assert count == last
    assert int(last) >= confirmed[-1]


def test_a_pid_left_behind_that_is_now_somebody_elses_is_no_hindrance(showup: Start, folder: Path, uid: int) -> None:
    """After a restart of a container the same small numbers go to other programs of the same account."""
    process = showup(folder, uid)
    process.do("open")
    stated = folder / "postgres" / "18" / "postmaster.pid"
    process.kill()
    kill_server(folder)
    with subprocess.Popen(["sleep", "60"], user=USER if ROOT else None) as other:
        lines = stated.read_text().splitlines()
        stated.write_text("\n".join([str(other.pid), *lines[1:], ""]))
        assert showup(folder, uid).do("open").startswith("postgresql://")
        assert other.poll() is None
        other.kill()
    assert server_pid(folder) != other.pid


def test_a_first_start_killed_in_the_middle_is_made_anew(showup: Start, fresh: Path, uid: int) -> None:
    first = showup(fresh, uid)
    first.tell("open")
    while not list(fresh.glob("postgres/18.new-*/base")):
        time.sleep(0.001)  # nothing tells when initdb is half done
    assert not (fresh / "postgres" / "18").exists()
    first.kill()
    second = showup(fresh, uid)
    assert second.do("open").startswith("postgresql://")
    assert second.do("fetch SELECT 1") == "1"


def test_a_server_stopped_by_hand_is_started_again(showup: Start, folder: Path, uid: int) -> None:
    process = showup(folder, uid)
    process.do("open")
    pid = server_pid(folder)
    os.kill(pid, signal.SIGINT)
    await_end(pid)
    assert process.do("ensure") == "True"
    assert process.do("fetch SELECT 1") == "1"
