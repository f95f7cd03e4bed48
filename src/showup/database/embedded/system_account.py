"""The operating system account that runs PostgreSQL, and the folders it can access."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from showup.database.embedded.errors import AccountUnusable

# Every system has it, and it cannot log in.
UNPRIVILEGED = "nobody"


@dataclass(frozen=True)
class SystemAccount:
    """An account that runs PostgreSQL: our own, or an unprivileged one if we are root."""

    name: str
    uid: int
    gid: int

    @property
    def is_current(self) -> bool:
        return self.uid == os.geteuid()

    def blocking_folder(self, folder: Path) -> Path | None:
        """Return the first folder on the path to `folder`, itself included, whose mode denies this account access.

        It does not check ACLs.
        """
        if self.is_current:
            return None
        return next((part for part in (*reversed(folder.parents), folder) if not self._can_enter(part)), None)

    def _can_enter(self, folder: Path) -> bool:
        status = folder.stat()
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        return bool(status.st_mode & (stat.S_IXGRP if status.st_gid == self.gid else stat.S_IXOTH))


def current_account() -> SystemAccount:
    """Return the account of this process."""
    uid = os.geteuid()
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        # PostgreSQL identifies local users by name, so a bare number (docker run --user 1234) does not work.
        raise AccountUnusable(str(uid), "it has no name in /etc/passwd") from None
    return SystemAccount(entry.pw_name, entry.pw_uid, entry.pw_gid)


def server_account(run_as: str | None) -> SystemAccount:
    """Return the account that runs PostgreSQL: `run_as`, or ours, or an unprivileged one if we are root.

    Raises AccountUnusable.
    """
    current = current_account()
    if run_as is None and current.uid != 0:
        return current
    account = _find_account(run_as or UNPRIVILEGED)
    if account.uid == 0:
        raise AccountUnusable(account.name, "PostgreSQL refuses to run with root's rights")
    if not account.is_current and current.uid != 0:
        raise AccountUnusable(account.name, f"{current.name} may not start programs as that account")
    return account


def name_of(uid: int) -> str:
    """Return the name of an account for display; its number if it has no name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _find_account(name: str) -> SystemAccount:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise AccountUnusable(name, "there is no such account here") from None
    return SystemAccount(entry.pw_name, entry.pw_uid, entry.pw_gid)
