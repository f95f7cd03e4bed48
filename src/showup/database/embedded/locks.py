"""Locks between the Showup processes of one data folder. The kernel drops them when their holder dies."""

import fcntl
import os
import time
from pathlib import Path

_BETWEEN_TRIES = 0.02


class FolderLock:
    """A lock file, which neither PostgreSQL nor any other child inherits: Python opens it close-on-exec."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    @property
    def held(self) -> bool:
        return self._file is not None

    def take(self, *, shared: bool = False, within: float = 0) -> bool:
        """Takes the lock, or changes its kind when held already; tries for `within` seconds.

        False when others kept it; then it isn't held at all.
        """
        if self._file is None:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        wanted = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB
        end = time.monotonic() + within
        while True:
            try:
                fcntl.flock(self._file, wanted)
                return True
            except BlockingIOError:
                if time.monotonic() >= end:
                    self.release()
                    return False
            time.sleep(_BETWEEN_TRIES)

    def release(self) -> None:
        """Gives the lock back; harmless when it isn't held."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
