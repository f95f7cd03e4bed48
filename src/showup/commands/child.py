"""What a process below `showup serve` or `showup work` runs: `python -m showup.commands.child web FD | work | deliver`.

Its stdin brings one line of JSON, and then nothing: when it ends, so does the process. However the parent
dies, the system closes the other end, and no child stays behind.

Only what starts at once is imported here. A child takes its time to load, and a parent may be killed meanwhile: whoever
is started in its place wants the address that the child holds.
"""

import os
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

_STDIN = 0
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


def main() -> NoReturn:
    """One child, from its first moment to its end."""
    # Ctrl-C reaches every process of a terminal; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    kind, *rest = sys.argv[1:]
    parent = Parent(socket.socket(fileno=int(rest[0])) if rest else None)
    from showup.commands.processes import run

    run(kind, parent)


if __name__ == "__main__":
    main()
