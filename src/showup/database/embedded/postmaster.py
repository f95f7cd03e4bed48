"""One server process on one data folder: started, found running, stopped."""

import os
import subprocess
import time
from pathlib import Path

from showup.database.embedded.binaries import Binaries
from showup.database.embedded.configuration import write_settings
from showup.database.embedded.errors import DiskFull, ServerNotStarted, ServerNotStopped, disk_is_full
from showup.database.embedded.folder import PORT, DataFolder
from showup.database.embedded.pid_file import StatedServer, stated_server

# Long enough for the recovery after a crash, which reads at most some gigabytes of journal.
STARTED_WITHIN = 120.0
_STOPPED_WITHIN = 60.0
_OTHER_SETTLED_WITHIN = 10.0
_LOGGED_WITHIN = 1.0
_BETWEEN_LOOKS = 0.02
_LAST_LINES, _LAST_BYTES = 20, 16384

# Backends of a killed server live on for a moment, and PostgreSQL rightly waits for the last to go.
_WAITING_FOR_OTHERS = ("pre-existing shared memory block", "lock file")


class Postmaster:
    """The server of a data folder. For the one process that supervises the folder."""

    def __init__(self, folder: DataFolder, binaries: Binaries) -> None:
        self._folder = folder
        self._binaries = binaries
        self._child: subprocess.Popen[bytes] | None = None
        self._log_began_at = 0

    @property
    def alive(self) -> bool:
        if self._child is not None:
            return self._child.poll() is None
        stated = self._stated()
        return stated is not None and (stated.living or stated.ready)

    def start(self, socket_folder: Path) -> Path:
        """Starts the server unless one is running, and waits until it takes connections.

        Returns the folder of its socket, which for a running server is the one it was started with.
        """
        self._child = None
        self._let_other_settle()
        end = time.monotonic() + STARTED_WITHIN
        while (running := self._ready_in()) is None:
            self._child = self._spawn(socket_folder)
            if self._came_up(self._child, end):
                return socket_folder
            said = self._words_of_failure()
            if time.monotonic() > end or not any(words in said for words in _WAITING_FOR_OTHERS):
                raise self._failure(f"it ended with status {self._child.returncode}", said)
            self._child = None
            time.sleep(_BETWEEN_LOOKS)
        return running

    def stop(self) -> None:
        """Stops the server: open transactions are rolled back, connections closed, all data written."""
        if self._child is None and self._ready_in() is None:
            return
        # pg_ctl signals with the server's account's rights, so a false pid can't turn root against others.
        words = ("stop", "-D", self._folder.cluster, "-m", "fast", "-t", f"{_STOPPED_WITHIN:.0f}")
        _, said = self._binaries.run("pg_ctl", *words, within=_STOPPED_WITHIN + 5)
        try:
            if self._child is not None:
                self._child.wait(_STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            raise ServerNotStopped(self._folder.path, said.strip()) from None
        self._child = None
        if self._ready_in() is not None:
            raise ServerNotStopped(self._folder.path, said.strip())

    def leave(self) -> None:
        """Leaves the server to others, or to itself."""
        if self._child is not None and self._child.returncode is None:
            # Popen would warn of a child forgotten; this one is meant to outlive us.
            self._child.returncode = 0
        self._child = None

    def _stated(self) -> StatedServer | None:
        return stated_server(self._folder.cluster)

    def _ready_in(self) -> Path | None:
        stated = self._stated()
        return stated.socket_folder if stated is not None and stated.ready else None

    def _let_other_settle(self) -> None:
        # A server may be coming up for a Showup that was killed, or going down by somebody's hand.
        end = time.monotonic() + _OTHER_SETTLED_WITHIN
        while (stated := self._stated()) is not None and time.monotonic() < end:
            if stated.ready or not stated.living:
                return
            time.sleep(_BETWEEN_LOOKS)

    def _spawn(self, socket_folder: Path) -> "subprocess.Popen[bytes]":
        settings = write_settings(self._folder, socket_folder)
        stated = self._stated()
        # After a restart of the machine or container the pid in a file left behind may be anybody's, and
        # PostgreSQL would refuse to start. It overlooks this pid, and still makes sure by the shared memory
        # that no server runs.
        environment = {} if stated is None else {"PG_GRANDPARENT_PID": str(stated.pid)}
        # The socket's lock names the dead server too, and there that pid is not overlooked. The folder is ours alone,
        # and a second server on the same data would be stopped by the shared memory all the same.
        (socket_folder / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)
        self._log_began_at = self._folder.log.lstat().st_size if self._folder.log.exists() else 0
        with self._folder.start_log.open("wb") as output:
            words = ("-D", self._folder.cluster, "-c", f"config_file={settings}")
            return self._binaries.spawn("postgres", *words, output=output, environment=environment)

    def _came_up(self, child: "subprocess.Popen[bytes]", end: float) -> bool:
        while child.poll() is None:
            stated = self._stated()
            if stated is not None and stated.pid == child.pid and stated.ready:
                return True
            if time.monotonic() > end:
                raise self._failure("it is still recovering, and goes on with it", self._last_words())
            time.sleep(_BETWEEN_LOOKS)
        return False

    def _failure(self, why: str, said: str) -> DiskFull | ServerNotStarted:
        if disk_is_full(said):
            return DiskFull(self._folder.path)
        return ServerNotStarted(self._folder.log, why, said)

    def _words_of_failure(self) -> str:
        # The server's log is written by a process of its own, which may be a moment behind.
        end = time.monotonic() + _LOGGED_WITHIN
        while (said := self._last_words()) and "FATAL" not in said and time.monotonic() < end:
            time.sleep(_BETWEEN_LOOKS)
        return said

    def _last_words(self) -> str:
        said = _said_in(self._folder.start_log, 0) + _said_in(self._folder.log, self._log_began_at)
        return "\n".join(said.splitlines()[-_LAST_LINES:])


def _said_in(path: Path, since: int) -> str:
    try:
        # Not through a link: root would show what the server's account may not read.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as log:
            log.seek(max(since, os.fstat(log.fileno()).st_size - _LAST_BYTES))
            return log.read().decode(errors="replace")
    except OSError:
        return ""
