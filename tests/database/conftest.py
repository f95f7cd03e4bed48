"""Data folders, and Showup processes that use them, as root and as an ordinary user."""

import os
import pwd
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = os.geteuid() == 0
# The account of an ordinary user: the tests' own account, unless they run as root.
USER = pwd.getpwnam("nobody").pw_uid if ROOT else os.geteuid()
PROGRAM = Path(__file__).with_name("embedded_process.py")


class ShowupProcess:
    """A real process on a data folder; it answers each command with one line."""

    def __init__(self, folder: Path, uid: int | None = None, **environment: str) -> None:
        switch = uid is not None and uid != os.geteuid()
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, PROGRAM, str(uid) if switch else "-", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "HOME": str(folder), **environment},
        )

    def send(self, command: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()

    def read_line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def run_command(self, command: str) -> str:
        self.send(command)
        return self.read_line()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


StartShowup = Callable[..., ShowupProcess]


def server_pid(folder: Path) -> int:
    """Returns the pid of a data folder's server, from its pid file."""
    return int((folder / "postgres" / "18" / "postmaster.pid").read_text().splitlines()[0])


def is_running(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def wait_for_exit(pid: int) -> None:
    """Waits until a process has ended that is not our child."""
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        try:
            select.select([descriptor], [], [])
        finally:
            os.close(descriptor)


def kill_server(folder: Path) -> None:
    pid = server_pid(folder)
    os.kill(pid, signal.SIGKILL)
    wait_for_exit(pid)


def _shared_memory() -> Path | None:
    # After a kill -9, files in memory are like those on a disk, and the tests run twice as fast.
    memory = Path("/dev/shm")  # noqa: S108  only mkdtemp writes there
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > 1024**3 else None


@pytest.fixture
def root_folder() -> Iterator[Path]:
    """An empty folder with a short path that every account can enter, unlike pytest's own folder."""
    folder = Path(tempfile.mkdtemp(prefix="showup-test-", dir=_shared_memory()))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def showup(root_folder: Path) -> Iterator[StartShowup]:
    """Starts Showup processes; at the end it stops them and the servers that they left running."""
    started: list[ShowupProcess] = []

    def start(folder: Path, uid: int | None = None, **environment: str) -> ShowupProcess:
        started.append(ShowupProcess(folder, uid, **environment))
        return started[-1]

    yield start
    for process in started:
        process.kill()
    for pid_file in root_folder.rglob("postmaster.pid"):
        pid = int(pid_file.read_text().splitlines()[0])
        with suppress(ProcessLookupError):
            if Path(f"/proc/{pid}/comm").read_text() == "postgres\n":
                os.kill(pid, signal.SIGINT)
                wait_for_exit(pid)


@pytest.fixture(params=["root", "user"])
def uid(request: pytest.FixtureRequest) -> int:
    """The uid of the account that runs Showup."""
    if request.param == "root" and not ROOT:
        pytest.skip("only root can run Showup as root")
    return 0 if request.param == "root" else USER


@pytest.fixture
def empty_folder(root_folder: Path, uid: int) -> Path:
    """An empty data folder of that account."""
    path = root_folder / "data"
    path.mkdir()
    path.chmod(0o711)
    os.chown(path, uid, -1)
    return path


@pytest.fixture(scope="session")
def prepared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that stores each account's database files for copies, because a copy is faster than `initdb`."""
    return tmp_path_factory.mktemp("prepared")


@pytest.fixture
def folder(empty_folder: Path, uid: int, prepared_folder: Path) -> Path:
    """A data folder of that account with the database files of an earlier run."""
    prepared_files = prepared_folder / str(uid)
    if not prepared_files.exists():
        process = ShowupProcess(empty_folder, uid)
        process.run_command("open")
        process.run_command("close")
        process.kill()
        subprocess.run(["cp", "-a", empty_folder / "postgres", prepared_files], check=True)
    else:
        subprocess.run(["cp", "-a", "--sparse=always", prepared_files, empty_folder / "postgres"], check=True)
    return empty_folder
