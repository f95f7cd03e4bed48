"""The parent as its child process sees it: the child reports to it, and exits when the parent dies."""

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple, Self

# A process whose event loop hangs would never notice that it should exit.
_EXIT_TIMEOUT: Final = 5.0
_LONGEST_REPORT: Final = 4096


class ParentPipes(NamedTuple):
    """Two pipes that a parent shares with all its children.

    Nobody writes to the first: it ends however the parent dies. Children write their name to the second, in a line.
    """

    alive: int
    alive_end: int
    ready: int
    ready_end: int

    @classmethod
    def open(cls) -> Self:
        """Opens both pipes, in the parent."""
        alive, alive_end = os.pipe()
        ready, ready_end = os.pipe()
        os.set_blocking(ready, False)
        return cls(alive, alive_end, ready, ready_end)

    def read_ready(self) -> set[str]:
        """Returns the names of the children that reported since the last call."""
        try:
            return set(os.read(self.ready, _LONGEST_REPORT).decode().split())
        except BlockingIOError:
            return set()


class ParentProcess:
    """What a child knows of its parent. Create it right after the fork."""

    def __init__(self, name: str, pipes: ParentPipes) -> None:
        """`name` is the child's."""
        self._name = name
        self.is_alive = True
        self._pipes = pipes
        # Signals of a terminal reach only the parent, which then stops the children.
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.close(pipes.alive_end)
        with suppress(OSError):
            # Linux: the name that `ps` and `top` show, its first 15 characters.
            Path("/proc/self/comm").write_text(f"showup-{name}")

    def report_ready(self) -> None:
        """Reports that this child has begun its work."""
        os.write(self._pipes.ready_end, f"{self._name}\n".encode())

    def watch(self, *callbacks: Callable[[], object]) -> None:
        """Makes the callbacks, in another thread, when the parent has died; this process is ended if it still runs."""
        threading.Thread(target=self._watch, args=(callbacks,), daemon=True).start()

    def _watch(self, callbacks: Sequence[Callable[[], object]]) -> None:
        os.read(self._pipes.alive, 1)
        self.is_alive = False
        for callback in callbacks:
            # What has closed already needs no notification.
            with suppress(OSError, RuntimeError):
                callback()
        time.sleep(_EXIT_TIMEOUT)
        os._exit(1)
