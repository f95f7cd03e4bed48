"""Runs programs of Showup in their own processes with their output in a file, and kills them."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import psutil

from showup.database.embedded.pid_file import read_pid_file
from tests.showup_process import TIMEOUT, environment

Result = TypeVar("Result")

_POLL_INTERVAL = 0.02


class Program:
    """A started `showup …`; `log_path` is the file of its output, `namespace` a network namespace."""

    def __init__(self, log_path: Path, *arguments: str, namespace: str | None = None, **variables: str) -> None:
        self.log_path = log_path
        entered = ("ip", "netns", "exec", namespace) if namespace else ()
        self._is_interrupted = False
        with log_path.open("ab") as log_file:
            self._log_offset = log_file.tell()
            self.process = subprocess.Popen(
                [*entered, sys.executable, "-m", "showup", *arguments],
                stdout=log_file,
                stderr=subprocess.STDOUT,
                env=environment(LOG_FORMAT="json", **variables),
                start_new_session=True,
            )

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def wait_for(self, pattern: str) -> str:
        """Waits for output that matches; returns the first group."""

        def match_output() -> re.Match[str] | None:
            found = re.search(pattern, self.output())
            assert found or self.is_running, f"it ended with this output:\n{self.output()}"
            return found

        return wait_until(match_output)[1]

    def output(self) -> str:
        """Returns the output since this start of the program."""
        return self.log_path.read_bytes()[self._log_offset :].decode(errors="replace")

    @property
    def death_count(self) -> int:
        """Returns how many children of this start have died so far, killed or not."""
        return self.output().count('"process_ended"')

    def children(self, kind: str) -> list[psutil.Process]:
        """Returns the children of one kind, `web` or `work`; none when the program has ended."""
        with suppress(psutil.Error):
            return [
                process
                for process in psutil.Process(self.process.pid).children()
                if process.name().startswith(f"showup-{kind}")
            ]
        return []

    def kill(self) -> list[psutil.Process]:
        """Kills with kill -9; returns the children, which get no signal: they must notice it themselves."""
        children = [*self.children("web"), *self.children("work")]
        self.process.kill()
        self.process.wait(TIMEOUT)
        return children

    def interrupt(self) -> None:
        """Sends Ctrl-C, once: a second one would interrupt the shutdown, and Python then dies of it."""
        if self.is_running and not self._is_interrupted:
            self._is_interrupted = True
            self.process.send_signal(signal.SIGINT)

    def stop(self) -> None:
        """Sends Ctrl-C; expects a clean exit unless the program was killed."""
        self.interrupt()
        code = self.process.wait(TIMEOUT)
        assert code in (0, -signal.SIGKILL), f"it ended with status {code} and this output:\n{self.output()}"


def stop_all(programs: Sequence[Program]) -> None:
    """Stops programs together."""
    for program in programs:
        program.interrupt()
    for program in programs:
        program.stop()


def socket_folder(data: Path) -> Path:
    """Returns the folder of the socket of a data folder's PostgreSQL, dead or alive."""
    recorded = read_pid_file(next(data.glob("postgres/*/postmaster.pid")).parent)
    assert recorded is not None
    assert recorded.socket_folder is not None
    return recorded.socket_folder


def postmaster(data: Path) -> psutil.Process | None:
    """Returns the process of a data folder's PostgreSQL, or None when it is dead."""
    with suppress(StopIteration, psutil.Error):
        recorded = read_pid_file(next(data.glob("postgres/*/postmaster.pid")).parent)
        found = psutil.Process(recorded.pid) if recorded else None
        return found if found and str(data) in " ".join(_command_line(found)) else None
    return None


def backends(server: psutil.Process | None) -> list[psutil.Process]:
    """Returns the processes of a PostgreSQL that each serve one of our connections."""
    with suppress(psutil.Error):
        return [
            process
            for process in (server.children() if server else [])
            if "showup showup" in " ".join(_command_line(process))
        ]
    return []


def kill(*processes: psutil.Process | None) -> None:
    """Kills with kill -9, and waits until the processes have ended."""
    alive_processes = [process for process in processes if process is not None]
    for process in alive_processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    wait_until_gone(alive_processes)


def wait_until_gone(processes: Iterable[psutil.Process]) -> None:
    """Waits until the processes have ended."""
    _, alive = psutil.wait_procs(list(processes), timeout=TIMEOUT)
    assert not alive, f"left behind: {alive}"


@contextmanager
def suspended(processes: Iterable[psutil.Process]) -> Iterator[None]:
    """Stops processes for a while: they hold their resources, and answer nothing."""
    suspended_processes = list(processes)
    try:
        for process in suspended_processes:
            process.suspend()
        yield
    finally:
        for process in suspended_processes:
            with suppress(psutil.NoSuchProcess):
                process.resume()


def wait_until(probe: Callable[[], Result | None], *, timeout: float = TIMEOUT) -> Result:
    """Waits for something that another process does; this process can only poll for it."""
    deadline = time.monotonic() + timeout
    while not (found := probe()):
        assert time.monotonic() < deadline, "timed out"
        time.sleep(_POLL_INTERVAL)
    return found


def _command_line(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):
        return process.cmdline()
    return []
