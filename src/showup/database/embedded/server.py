"""The embedded PostgreSQL's interface: open the folder, supervise the server, close."""

import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from showup.database.embedded.binaries import binaries_for
from showup.database.embedded.cluster import provide_cluster
from showup.database.embedded.configuration import DATABASE, ROLE
from showup.database.embedded.errors import ServerNotStarted, translate_os_errors
from showup.database.embedded.folder import PORT, DataFolder
from showup.database.embedded.locks import FolderLock
from showup.database.embedded.pid_file import read_pid_file
from showup.database.embedded.postmaster import START_TIMEOUT, Postmaster
from showup.database.embedded.system_account import server_account

_POLL_INTERVAL = 0.02
_HANDOVER_TIMEOUT = 5.0


class EmbeddedPostgres:
    """The PostgreSQL server of one data folder, shared by all Showup processes on it.

    One of them supervises: it starts, watches and stops the server; if it exits, another takes over. The methods block,
    and may be called from any thread.
    """

    def __init__(self, folder: Path, *, run_as: str | None = None) -> None:
        """Set the folder. `run_as` is the account that runs PostgreSQL if we are root; default: an unprivileged one.

        Raises AccountUnusable.
        """
        self._folder = DataFolder(folder.expanduser().resolve(), server_account(run_as))
        self._supervisor = FolderLock(self._folder.postgres / "supervisor.lock")
        self._users = FolderLock(self._folder.postgres / "users.lock")
        self._postmaster: Postmaster | None = None
        self._socket_folder: Path | None = None
        # A supervision check that is restarting the server must not run during a close.
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def dsn(self) -> str:
        """Return the address, once open: `postgresql://showup@/showup?host=<socket folder>&port=5432`."""
        if self._socket_folder is None:
            raise RuntimeError("open the embedded PostgreSQL before you connect to it")
        # The port is explicit although it is the default, because the operator's PGPORT would change it.
        return f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(self._socket_folder))}&port={PORT}"

    def open(self) -> str:
        """Start the server, or join the running one, and return its DSN once it accepts connections.

        Raises an EmbeddedError that says what to do.
        """
        with self._lock:
            if self._users.is_held:
                return self.dsn
            try:
                with translate_os_errors(self._folder.path):
                    self._folder.prepare()
                    self._join()
            except BaseException:
                self._release()
                raise
            return self.dsn

    def ensure(self) -> bool:
        """Restart the server if it died, and return whether it did. Call it about every second while open.

        Takes over the supervision if the supervising process exited. Raises an EmbeddedError if the server cannot be
        started; a later call tries again.
        """
        with self._lock, translate_os_errors(self._folder.path):
            if not self._users.is_held or (postmaster := self._take_supervision()) is None:
                return False
            if postmaster.is_alive:
                self._folder.rotate_log()
                return False
            self._start(postmaster)
            return True

    def close(self) -> None:
        """Stop the server if no other Showup process uses it, else leave it running for them.

        Raises ServerNotStopped.
        """
        with self._lock:
            if not self._users.is_held:
                return
            try:
                with translate_os_errors(self._folder.path):
                    self._stop_if_last()
            finally:
                self._release()

    def forget(self) -> None:
        """Give up the copies of the locks that a forked child inherits, so that they end with its parent."""
        self._release()

    def _join(self) -> None:
        # Acquire this before looking for a server: a process that is stopping one releases it only when it is done.
        deadline = time.monotonic() + START_TIMEOUT
        if not self._users.acquire(shared=True, timeout=START_TIMEOUT):
            raise ServerNotStarted(self._folder.log, "another Showup process is still stopping it", "")
        while (postmaster := self._take_supervision()) is None:
            recorded = read_pid_file(self._folder.cluster)
            if recorded is not None and recorded.is_ready:
                self._socket_folder = recorded.socket_folder
                return
            if time.monotonic() > deadline:
                raise ServerNotStarted(
                    self._folder.log, "another Showup process supervises it, but it does not respond", ""
                )
            time.sleep(_POLL_INTERVAL)
        self._start(postmaster)

    def _take_supervision(self) -> Postmaster | None:
        """Return the server if this process supervises it or can take over; otherwise None."""
        if not self._supervisor.acquire():
            return None
        if self._postmaster is None:
            if self._socket_folder is None:
                # If the server must be refused, refuse it before creating the database files.
                self._folder.socket_folder()
            binaries = binaries_for(self._folder.account, self._folder.binaries)
            provide_cluster(self._folder, binaries)
            self._postmaster = Postmaster(self._folder, binaries)
        return self._postmaster

    def _start(self, postmaster: Postmaster) -> None:
        # Joined processes keep connecting to the same address, whichever of them restarts the server.
        socket_folder = self._socket_folder or self._folder.socket_folder()
        self._folder.make_private(socket_folder)
        self._socket_folder = postmaster.start(socket_folder)

    def _stop_if_last(self) -> None:
        # If several processes close at once, one gets this lock; it then waits for the supervisor among them.
        if not self._users.acquire():
            return
        if self._supervisor.acquire(timeout=_HANDOVER_TIMEOUT) and (postmaster := self._take_supervision()):
            postmaster.stop()

    def _release(self) -> None:
        if self._postmaster is not None:
            self._postmaster.detach()
        self._postmaster = None
        self._supervisor.release()
        self._users.release()
