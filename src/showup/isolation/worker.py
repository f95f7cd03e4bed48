"""The parent's side: starts the child process with the first request, and a new one after a request that ended it."""

import signal
import subprocess
import sys
import weakref
from multiprocessing.connection import Connection, Pipe
from threading import Lock
from typing import Final

from showup.isolation.serve import READY

_START_TIMEOUT: Final = 20.0
# For a process that can't run: the limit on processor time ends one that runs.
_ANSWER_TIMEOUT: Final = 15.0


class TooSlow(Exception):
    """The request reached the limit on processor time."""


class EndedUnexpectedly(Exception):
    """The process ended twice with the same request, for example because it needed too much memory."""


class IsolatedProcess:
    """Runs `python -m MODULE FILE-DESCRIPTOR ARGUMENTS`, whose main calls `serve`. Threads may share it."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._command = (module, *arguments)
        self._process: _ChildProcess | None = None
        # The process answers one request at a time.
        self._lock = Lock()

    def ask(self, *request: object) -> bytes:
        """Returns the answer to one request. Raises TooSlow and EndedUnexpectedly."""
        with self._lock:
            # Once more, because a process may also have been ended by the operating system or by a user.
            for _ in range(2):
                try:
                    self._process = self._process or _ChildProcess(*self._command)
                    return self._process.ask(request)
                except TooSlow:
                    self._process = None
                    raise
                except (EOFError, OSError):
                    self._process = None
            raise EndedUnexpectedly


class _ChildProcess:
    """One process, and the connection to it; it ends with this object."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._connection, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  # our own module
                [sys.executable, "-m", module, str(theirs.fileno()), *arguments],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._stop = weakref.finalize(self, _stop, self._process, self._connection)
        if not self._connection.poll(_START_TIMEOUT) or self._connection.recv_bytes() != READY:
            raise EOFError

    def ask(self, request: tuple[object, ...]) -> bytes:
        """Returns the answer. Raises TooSlow, and EOFError or OSError when the process has ended."""
        try:
            self._connection.send(request)
            if not self._connection.poll(_ANSWER_TIMEOUT):
                raise TooSlow
            return self._connection.recv_bytes()
        except (EOFError, OSError, TooSlow) as fault:
            self._stop()
            if self._process.returncode == -signal.SIGPROF:
                raise TooSlow from fault
            raise


def _stop(process: subprocess.Popen[bytes], connection: Connection) -> None:
    connection.close()
    # A process that has ended already keeps its own exit code.
    if process.poll() is None:
        process.kill()
    process.wait()
