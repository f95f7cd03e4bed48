"""The process above a child: it says one line, and when it says nothing more, the child ends.

Only what starts at once is imported here, since a child listens before it loads.
"""

import os
import queue
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

_STDIN, _STDOUT = 0, 1
# A process whose loop hangs would never see that it should end.
_ENDED_WITHIN = 5.0


class Parent:
    """Listens to the parent, from the first moment on and in a thread of its own.

    `listening` is the socket that the parent handed down; it is given free when the parent dies.
    """

    def __init__(self, listening: socket.socket | None) -> None:
        self.listening = listening
        self._pid = os.getppid()
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._gone = threading.Event()
        self._told: Callable[[], object] | None = None
        threading.Thread(target=self._listen, daemon=True).start()

    def line(self) -> bytes:
        """Waits for the one line that it says."""
        return self._lines.get()

    def when_gone(self, tell: Callable[[], object]) -> None:
        """Calls `tell`, from another thread, once the parent says or does nothing more; some seconds later all ends."""
        self._told = tell
        if self._gone.is_set():
            self._tell()

    def _listen(self) -> None:
        line = _read_line()
        if line is None:
            # Told to end before there was anything to do, or called by hand.
            self._give_free()
            os._exit(0)
        self._lines.put(line)
        while os.read(_STDIN, 1):
            pass
        self._give_free()
        self._gone.set()
        self._tell()
        time.sleep(_ENDED_WITHIN)
        os._exit(1)

    def _give_free(self) -> None:
        # Who is merely told to end answers first what has come in.
        if self.listening is not None and os.getppid() != self._pid:
            with suppress(OSError):
                self.listening.shutdown(socket.SHUT_RDWR)

    def _tell(self) -> None:
        if self._told is not None:
            # A loop that is closed by now needs no telling.
            with suppress(RuntimeError):
                self._told()


def _read_line() -> bytes | None:
    read = b""
    while not read.endswith(b"\n"):
        some = os.read(_STDIN, 1)
        if not some:
            return None
        read += some
    return read


def say_ready() -> None:
    """Tells the parent that this child has begun its work."""
    os.write(_STDOUT, b"ready\n")
