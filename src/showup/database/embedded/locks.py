"""Locks between the Showup processes of one data folder. The kernel releases them when their holder dies."""

import fcntl
import os
import time
from pathlib import Path

_RETRY_INTERVAL = 0.02


class FolderLock:
    """A lock file that neither PostgreSQL nor any other child inherits: Python opens it close-on-exec."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    @property
    def is_held(self) -> bool:
        return self._file is not None

    def acquire(self, *, shared: bool = False, timeout: float = 0) -> bool:
        """Acquire the lock, or change its kind if already held; try for `timeout` seconds.

        Return False if other processes held it; then this process does not hold it at all.
        """
        if self._file is None:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        operation = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB
        deadline = time.monotonic() + timeout
        while True:
            try:
                fcntl.flock(self._file, operation)
                return True
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    self.release()
                    return False
            time.sleep(_RETRY_INTERVAL)

    def release(self) -> None:
        """Release the lock; does nothing if it is not held."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
