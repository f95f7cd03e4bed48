"""The data folder: what lies where in it, whose it is, and who may look inside.

<folder>/                     ours, with other secrets of Showup; PostgreSQL only passes through
  postgres/                   ours too, so that a server gone bad can't swap what root touches here
    18/  log/  socket/        the server's account's alone (0700)
    settings/  binaries/      written by us, read by the server
    start.log                 what the server says before it opens its own log
    supervisor.lock  users.lock
"""

import hashlib
import os
import re
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from showup.database.embedded.account import Account, name_of
from showup.database.embedded.binaries import MAJOR
from showup.database.embedded.errors import (
    FolderOfAnother,
    FolderUnreachable,
    FolderUnusable,
    SocketFolderUnusable,
)

PORT = 5432
# The kernel's sockaddr_un holds so many bytes of a path.
_LONGEST_SOCKET_PATH = 103 if sys.platform == "darwin" else 107
# Neither a DSN nor PostgreSQL's list of socket folders takes every character as it is.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")
_KEPT_LOG_BYTES = 10 * 1024 * 1024


def default_data_folder() -> Path:
    """Where Showup keeps its data unless told otherwise: the account's own data folder.

    For root `/var/lib/showup`, for root's home is closed to the account that then runs PostgreSQL.
    """
    if os.geteuid() == 0:
        return Path("/var/lib/showup")
    return platformdirs.user_data_path("showup", appauthor=False)


@dataclass(frozen=True)
class DataFolder:
    """One data folder (absolute) and the account that runs PostgreSQL on it."""

    path: Path
    account: Account

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def cluster(self) -> Path:
        return self.postgres / str(MAJOR)

    @property
    def log(self) -> Path:
        return self.postgres / "log" / "postgres.log"

    @property
    def start_log(self) -> Path:
        return self.postgres / "start.log"

    @property
    def settings(self) -> Path:
        return self.postgres / "settings"

    @property
    def binaries(self) -> Path:
        return self.postgres / "binaries"

    def prepare(self) -> None:
        """Makes what is missing, and refuses a folder that isn't ours or that the server couldn't reach."""
        for folder in (self.path, self.postgres, self.settings, self.binaries):
            self._make(folder)
        if not os.access(self.postgres, os.W_OK | os.X_OK):
            raise FolderUnusable(self.path, f"{self.postgres} isn't writable")
        barrier = self.account.barrier(self.postgres)
        if barrier is not None:
            raise FolderUnreachable(self.path, barrier, self.account.name)
        self.private(self.log.parent)

    def _make(self, folder: Path) -> None:
        for part in (*reversed(folder.parents), folder):
            if not part.exists():
                part.mkdir(exist_ok=True)
                # After mkdir, for a strict umask would shut out the server's account.
                part.chmod(0o700 if self.account.is_ours else 0o711)
        owner = folder.stat().st_uid
        if owner not in (os.geteuid(), self.account.uid):
            raise FolderOfAnother(folder, name_of(owner), name_of(os.geteuid()))

    def private(self, folder: Path) -> None:
        """Makes a folder that only the server's account (and root) may enter, or checks that it is one."""
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if found.st_uid == os.geteuid() and not self.account.is_ours:
            os.chown(folder, self.account.uid, self.account.gid, follow_symlinks=False)
            found = folder.lstat()
        if found.st_uid != self.account.uid:
            raise FolderOfAnother(folder, name_of(found.st_uid), self.account.name)
        if not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o077:
            raise FolderUnusable(folder, "it isn't a folder closed to other accounts (chmod 700)")

    def socket_folder(self) -> Path:
        """A private folder for the server's socket, made if missing.

        It lies in the data folder or, where that path doesn't serve, among the system's temporary files.
        """
        inside = self.postgres / "socket"
        if _serves(inside):
            self.private(inside)
            return inside
        return self._socket_folder_outside()

    def _socket_folder_outside(self) -> Path:
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]
        temporary = Path(tempfile.gettempdir()).resolve()
        folder = temporary / f"showup-{self.account.uid}-{digest}"
        if not _serves(folder):
            raise SocketFolderUnusable(folder, "the path is too long or has unusual characters")
        if self.account.barrier(temporary) is not None:
            raise SocketFolderUnusable(folder, f"the account {self.account.name} can't reach it")
        try:
            self.private(folder)
        except (FolderOfAnother, FolderUnusable, OSError) as error:
            raise SocketFolderUnusable(folder, str(error)) from error
        return folder

    def bound_log(self) -> None:
        """Sets a full log aside as `.1`; the server, told to rotate at this size, then opens a new one."""
        if self.log.exists() and self.log.lstat().st_size >= _KEPT_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))


def _serves(folder: Path) -> bool:
    socket = str(folder / f".s.PGSQL.{PORT}")
    return len(os.fsencode(socket)) <= _LONGEST_SOCKET_PATH and _PLAIN_PATH.fullmatch(socket) is not None
