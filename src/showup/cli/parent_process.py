"""Watches a child's parent process: it sends one line, and when its pipe closes, the child exits.

Only modules that load at once are imported here, because a child listens to its parent before it loads the rest.
"""

import os
import queue
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

_STDIN, _STDOUT = 0, 1
# A process whose event loop hangs would never notice that it should exit.
_EXIT_TIMEOUT = 5.0


class ParentProcess:
    """Listens to the parent from the start, in a thread of its own.

    `listen_socket` is the socket that the parent passed to this child; it is released when the parent dies.
    """

    def __init__(self, listen_socket: socket.socket | None) -> None:
        self.listen_socket = listen_socket
        self._pid = os.getppid()
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._exited = threading.Event()
        self._on_exit: Callable[[], object] | None = None
        self._exit_timeout = _EXIT_TIMEOUT
        threading.Thread(target=self._watch, daemon=True).start()

    def read_config_line(self) -> bytes:
        """Waits for the parent's line of config and returns it."""
        return self._lines.get()

    @property
    def is_alive(self) -> bool:
        """Returns whether the parent runs; it may have closed its pipe, to stop this child."""
        return os.getppid() == self._pid

    def notify_on_exit(self, callback: Callable[[], object], *, extra_seconds: float = 0) -> None:
        """Calls `callback`, from another thread, once the parent's pipe closes.

        If the process still runs `_EXIT_TIMEOUT` + `extra_seconds` seconds later, it is ended.
        """
        self._on_exit = callback
        self._exit_timeout = _EXIT_TIMEOUT + extra_seconds
        if self._exited.is_set():
            self._notify()

    def _watch(self) -> None:
        line = _read_line()
        if line is None:
            # The parent stopped this child before it had any work, or the command was run manually.
            self._release_socket()
            os._exit(0)
        self._lines.put(line)
        while os.read(_STDIN, 1):
            pass
        self._release_socket()
        self._exited.set()
        self._notify()
        time.sleep(self._exit_timeout)
        os._exit(1)

    def _release_socket(self) -> None:
        # A child that is only asked to stop first answers the requests that it has received.
        if self.listen_socket is not None and not self.is_alive:
            with suppress(OSError):
                self.listen_socket.shutdown(socket.SHUT_RDWR)

    def _notify(self) -> None:
        if self._on_exit is not None:
            # A closed event loop needs no notification.
            with suppress(RuntimeError):
                self._on_exit()


def _read_line() -> bytes | None:
    buffer = b""
    while not buffer.endswith(b"\n"):
        chunk = os.read(_STDIN, 1)
        if not chunk:
            return None
        buffer += chunk
    return buffer


def report_ready() -> None:
    """Reports to the parent that this child has begun its work."""
    os.write(_STDOUT, b"ready\n")
