"""The embedded PostgreSQL as Showup uses it: open the folder, look after the server, close."""

import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from showup.database.embedded.account import server_account
from showup.database.embedded.binaries import binaries_for
from showup.database.embedded.cluster import provide_cluster
from showup.database.embedded.configuration import DATABASE, ROLE
from showup.database.embedded.errors import ServerNotStarted, explained
from showup.database.embedded.folder import PORT, DataFolder
from showup.database.embedded.locks import FolderLock
from showup.database.embedded.pid_file import stated_server
from showup.database.embedded.postmaster import STARTED_WITHIN, Postmaster

_BETWEEN_LOOKS = 0.02
_HANDED_OVER_WITHIN = 5.0


class EmbeddedPostgres:
    """The PostgreSQL server of one data folder, shared by all Showup processes on it.

    One of them supervises: it starts, watches and stops the server; when it is gone, another takes over.
    The methods block, and may be called from any thread.
    """

    def __init__(self, folder: Path, *, run_as: str | None = None) -> None:
        """`run_as` names the account that runs PostgreSQL when we are root; an unprivileged one unless given.

        Raises AccountUnusable.
        """
        self._folder = DataFolder(folder.expanduser().resolve(), server_account(run_as))
        self._supervisor = FolderLock(self._folder.postgres / "supervisor.lock")
        self._users = FolderLock(self._folder.postgres / "users.lock")
        self._postmaster: Postmaster | None = None
        self._socket_folder: Path | None = None
        # A watch that is still restarting the server must not do so behind the back of a close.
        self._one_at_a_time = threading.RLock()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def dsn(self) -> str:
        """Where to connect, once open: `postgresql://showup@/showup?host=<socket folder>&port=5432`."""
        if self._socket_folder is None:
            raise RuntimeError("the embedded PostgreSQL has to be opened before it can be connected to")
        # The port is said although it is the usual one, or a PGPORT of the operator's would change it.
        return f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(self._socket_folder))}&port={PORT}"

    def open(self) -> str:
        """Starts the server, or joins the one that runs, and returns its DSN once it takes connections.

        Raises an EmbeddedError that says what to do.
        """
        with self._one_at_a_time:
            if self._users.held:
                return self.dsn
            try:
                with explained(self._folder.path):
                    self._folder.prepare()
                    self._join()
            except BaseException:
                self._let_go()
                raise
            return self.dsn

    def ensure(self) -> bool:
        """Restarts the server if it died; True when it did. To be called about every second while open.

        Takes over the supervision when the process that had it is gone. Raises an EmbeddedError when the
        server can't be started; calling again tries again.
        """
        with self._one_at_a_time, explained(self._folder.path):
            if not self._users.held or (postmaster := self._supervised()) is None:
                return False
            if postmaster.alive:
                self._folder.bound_log()
                return False
            self._start(postmaster)
            return True

    def close(self) -> None:
        """Stops the server if no other Showup process uses it, else leaves it running for them.

        Raises ServerNotStopped.
        """
        with self._one_at_a_time:
            if not self._users.held:
                return
            try:
                with explained(self._folder.path):
                    self._stop_if_last()
            finally:
                self._let_go()

    def _join(self) -> None:
        # Before looking for a server: whoever is stopping one lets us in only when it is done.
        end = time.monotonic() + STARTED_WITHIN
        if not self._users.take(shared=True, within=STARTED_WITHIN):
            raise ServerNotStarted(self._folder.log, "another Showup process is still stopping it", "")
        while (postmaster := self._supervised()) is None:
            stated = stated_server(self._folder.cluster)
            if stated is not None and stated.ready:
                self._socket_folder = stated.socket_folder
                return
            if time.monotonic() > end:
                raise ServerNotStarted(self._folder.log, "another Showup has it, but it doesn't answer", "")
            time.sleep(_BETWEEN_LOOKS)
        self._start(postmaster)

    def _supervised(self) -> Postmaster | None:
        """The server if its supervision is ours, or is to be had."""
        if not self._supervisor.take():
            return None
        if self._postmaster is None:
            if self._socket_folder is None:
                # Refused, if it is to be, before the database files are made.
                self._folder.socket_folder()
            binaries = binaries_for(self._folder.account, self._folder.binaries)
            provide_cluster(self._folder, binaries)
            self._postmaster = Postmaster(self._folder, binaries)
        return self._postmaster

    def _start(self, postmaster: Postmaster) -> None:
        # Those who joined keep connecting to the same place, whichever of them restarts the server.
        socket_folder = self._socket_folder or self._folder.socket_folder()
        self._folder.private(socket_folder)
        self._socket_folder = postmaster.start(socket_folder)

    def _stop_if_last(self) -> None:
        # Of several that close at once one gets this lock; it then waits for the supervisor among them.
        if not self._users.take():
            return
        if self._supervisor.take(within=_HANDED_OVER_WITHIN) and (postmaster := self._supervised()):
            postmaster.stop()

    def _let_go(self) -> None:
        if self._postmaster is not None:
            self._postmaster.leave()
        self._postmaster = None
        self._supervisor.release()
        self._users.release()
