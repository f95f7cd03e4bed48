"""Forks the child processes of one parent, restarts them when they die, and stops them together.

A forked child shares the memory of all that its parent has imported, and starts in milliseconds. A fork copies only the
thread that calls it: the parent must have no other thread, and no event loop, at that time.
"""

import multiprocessing
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Final, TypeAlias

import structlog

from showup.cli.parent_process import ParentPipes, ParentProcess

if TYPE_CHECKING:
    from multiprocessing.context import ForkProcess

_CHECK_INTERVAL: Final = 1.0
_MIN_RESTART_DELAY, _MAX_RESTART_DELAY = 0.25, 5.0
_STABLE_AFTER: Final = 10.0
# Together with PostgreSQL's own shutdown, this stays below the 3 s that people wait after Ctrl-C.
_EXIT_TIMEOUT: Final = 2.0

ChildMain: TypeAlias = Callable[[ParentProcess], None]
"""What a child does, from its start to its exit."""

_log = structlog.get_logger()


class _Child:
    """One child, and the process in which it runs at present."""

    def __init__(self, name: str, main: ChildMain) -> None:
        self.name = name
        self.process: ForkProcess | None = None
        self.start_at = 0.0
        self._main = main
        self._started_at = 0.0
        self._delay = _MIN_RESTART_DELAY

    def start(self, pipes: ParentPipes) -> None:
        self._started_at = time.monotonic()
        self.process = multiprocessing.get_context("fork").Process(target=self._run, args=(pipes,))
        self.process.start()

    def note_end(self) -> None:
        """Plans the next start, later each time if the process ends soon after its start."""
        now = time.monotonic()
        is_stable = now - self._started_at > _STABLE_AFTER
        self._delay = _MIN_RESTART_DELAY if is_stable else min(2 * self._delay, _MAX_RESTART_DELAY)
        self.start_at = now + self._delay
        self.process = None
        _log.warning("process_ended", process=self.name, again_in_seconds=self._delay)

    def _run(self, pipes: ParentPipes) -> None:
        self._main(ParentProcess(self.name, pipes))


class ChildProcesses:
    """The children of one command. After `stop`, they may take `drain_seconds` longer than usual to end."""

    def __init__(self, *, drain_seconds: float = 0) -> None:
        self._exit_timeout = _EXIT_TIMEOUT + drain_seconds
        self._children: list[_Child] = []
        self._stopping = False
        self._pipes = ParentPipes.open()

    def stop(self, *_: object) -> None:
        """Tells the children to stop, and `run` to return when they have; serves as a signal handler."""
        self._stopping = True
        for child in self._children:
            if child.process is not None:
                child.process.terminate()

    def run(self, mains: Mapping[str, ChildMain], on_ready: Callable[[], None], check: Callable[[], None]) -> None:
        """Runs one child for each name until `stop`.

        Calls `on_ready` once, when every child has begun its work, and `check` about every second.
        """
        self._children = [_Child(name, main) for name, main in mains.items()]
        not_ready = set(mains)
        try:
            while not self._stopping:
                self._start_due()
                self._wait()
                # Read also what children report after a restart: the pipe would stay readable, and nothing would wait.
                reported = self._pipes.read_ready()
                if not_ready and not (not_ready := not_ready - reported):
                    on_ready()
                check()
        finally:
            self._end()

    def _start_due(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if child.process is None and child.start_at <= now:
                child.start(self._pipes)

    def _wait(self) -> None:
        """Waits for a child to die or to report, for the next start, or for the next check."""
        now = time.monotonic()
        delays = [child.start_at - now for child in self._children if child.process is None]
        sentinels = [child.process.sentinel for child in self._children if child.process is not None]
        wait([self._pipes.ready, *sentinels], timeout=max(0.0, min([_CHECK_INTERVAL, *delays])))
        for child in self._children:
            if not self._stopping and child.process is not None and not child.process.is_alive():
                child.note_end()

    def _end(self) -> None:
        self.stop()
        deadline = time.monotonic() + self._exit_timeout
        for process in [child.process for child in self._children if child.process is not None]:
            process.join(max(0.0, deadline - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()
