"""The data folder: its layout, its owners, and its access rights.

<folder>/                     ours, with other secrets of Showup; PostgreSQL only traverses it
  postgres/                   ours too, so that a compromised server cannot replace files that root uses
    18/  log/  socket/        owned by the server's account (0700)
    settings/  binaries/      written by us, read by the server
    start.log                 the server's output before it opens its own log
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

from showup.database.embedded.binaries import MAJOR
from showup.database.embedded.errors import (
    FolderOwnerMismatch,
    FolderUnreachable,
    FolderUnusable,
    SocketFolderUnusable,
)
from showup.database.embedded.system_account import SystemAccount, name_of

PORT = 5432
# The kernel's sockaddr_un limits a path to this many bytes.
_MAX_SOCKET_PATH = 103 if sys.platform == "darwin" else 107
# Neither a DSN nor PostgreSQL's list of socket folders accepts every character unescaped.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")
_MAX_LOG_BYTES = 10 * 1024 * 1024


def default_data_folder() -> Path:
    """Return the default data folder: the account's own data folder.

    For root it is `/var/lib/showup`, because the account that runs PostgreSQL cannot access root's home.
    """
    if os.geteuid() == 0:
        return Path("/var/lib/showup")
    return platformdirs.user_data_path("showup", appauthor=False)


@dataclass(frozen=True)
class DataFolder:
    """One data folder (absolute) and the account that runs PostgreSQL on it."""

    path: Path
    account: SystemAccount

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
        """Create missing folders, and refuse a folder that is not ours or that the server could not access."""
        for folder in (self.path, self.postgres, self.settings, self.binaries):
            self._make(folder)
        if not os.access(self.postgres, os.W_OK | os.X_OK):
            raise FolderUnusable(self.path, f"{self.postgres} isn't writable")
        blocking_folder = self.account.blocking_folder(self.postgres)
        if blocking_folder is not None:
            raise FolderUnreachable(self.path, blocking_folder, self.account.name)
        self.make_private(self.log.parent)

    def _make(self, folder: Path) -> None:
        for part in (*reversed(folder.parents), folder):
            if not part.exists():
                part.mkdir(exist_ok=True)
                # Set the mode after mkdir, because a strict umask would exclude the server's account.
                part.chmod(0o700 if self.account.is_current else 0o711)
        owner = folder.stat().st_uid
        if owner not in (os.geteuid(), self.account.uid):
            raise FolderOwnerMismatch(folder, name_of(owner), name_of(os.geteuid()))

    def make_private(self, folder: Path) -> None:
        """Create a folder that only the server's account (and root) may enter, or check that it is one."""
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
        if status.st_uid == os.geteuid() and not self.account.is_current:
            os.chown(folder, self.account.uid, self.account.gid, follow_symlinks=False)
            status = folder.lstat()
        if status.st_uid != self.account.uid:
            raise FolderOwnerMismatch(folder, name_of(status.st_uid), self.account.name)
        if not stat.S_ISDIR(status.st_mode) or status.st_mode & 0o077:
            raise FolderUnusable(folder, "it isn't a folder closed to other accounts (chmod 700)")

    def socket_folder(self) -> Path:
        """Return a private folder for the server's socket; create it if missing.

        It is in the data folder or, if that path is unsuitable, among the system's temporary files.
        """
        inside = self.postgres / "socket"
        if _is_valid_socket_folder(inside):
            self.make_private(inside)
            return inside
        return self._socket_folder_outside()

    def _socket_folder_outside(self) -> Path:
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]
        temporary = Path(tempfile.gettempdir()).resolve()
        folder = temporary / f"showup-{self.account.uid}-{digest}"
        if not _is_valid_socket_folder(folder):
            raise SocketFolderUnusable(folder, "the path is too long or has unusual characters")
        if self.account.blocking_folder(temporary) is not None:
            raise SocketFolderUnusable(folder, f"the account {self.account.name} can't reach it")
        try:
            self.make_private(folder)
        except (FolderOwnerMismatch, FolderUnusable, OSError) as error:
            raise SocketFolderUnusable(folder, str(error)) from error
        return folder

    def rotate_log(self) -> None:
        """Move a full log to `.1`; the server, asked to rotate at this size, then opens a new one."""
        if self.log.exists() and self.log.lstat().st_size >= _MAX_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))


def _is_valid_socket_folder(folder: Path) -> bool:
    socket = str(folder / f".s.PGSQL.{PORT}")
    return len(os.fsencode(socket)) <= _MAX_SOCKET_PATH and _PLAIN_PATH.fullmatch(socket) is not None
