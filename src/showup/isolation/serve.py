"""The child's side: limits the process, and answers requests until its parent closes the connection."""

import contextlib
import resource
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Final

READY: Final = b"ready"
_MAX_MEMORY: Final = 1024 * 1024 * 1024


def limit_memory() -> None:
    """Limits this process to 1 GiB of memory."""
    with contextlib.suppress(ValueError, OSError):
        # Not every system supports this limit; the one on processor time remains.
        resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY, _MAX_MEMORY))


def close_system() -> None:
    """Ends this process's access to files and the network: it can open nothing more, and write to no file."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def serve(descriptor: str, answer: Callable[..., bytes], *, cpu_seconds: float) -> None:
    """Answers requests; one that takes more than `cpu_seconds` of processor time ends the process."""
    # A user's Ctrl-C reaches this process too, but its parent decides when it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Connection(int(descriptor)) as connection, contextlib.suppress(EOFError, ConnectionError):
        connection.send_bytes(READY)
        while True:
            request: tuple[Any, ...] = connection.recv()
            # Without a handler, SIGPROF ends the process wherever it is, also inside a C function.
            signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
            answered = answer(*request)
            signal.setitimer(signal.ITIMER_PROF, 0)
            connection.send_bytes(answered)
