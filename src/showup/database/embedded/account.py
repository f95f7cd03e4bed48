"""Which account of the operating system runs PostgreSQL, and what that account can reach."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from showup.database.embedded.errors import AccountUnusable

# Every system has it, and it can't log in.
UNPRIVILEGED = "nobody"


@dataclass(frozen=True)
class Account:
    """An account that runs PostgreSQL: our own, or an unprivileged one when we are root."""

    name: str
    uid: int
    gid: int

    @property
    def is_ours(self) -> bool:
        return self.uid == os.geteuid()

    def barrier(self, folder: Path) -> Path | None:
        """The first folder on the way into `folder`, itself included, whose mode keeps this account out.

        ACLs aren't seen.
        """
        if self.is_ours:
            return None
        return next((part for part in (*reversed(folder.parents), folder) if not self._may_pass(part)), None)

    def _may_pass(self, folder: Path) -> bool:
        found = folder.stat()
        if found.st_uid == self.uid:
            return bool(found.st_mode & stat.S_IXUSR)
        return bool(found.st_mode & (stat.S_IXGRP if found.st_gid == self.gid else stat.S_IXOTH))


def our_account() -> Account:
    """The account of this process."""
    uid = os.geteuid()
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        # PostgreSQL knows who connects by name, so a mere number (docker run --user 1234) can't.
        raise AccountUnusable(str(uid), "it has no name in /etc/passwd") from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def server_account(run_as: str | None) -> Account:
    """The account that runs PostgreSQL: `run_as`, or ours, or an unprivileged one when we are root.

    Raises AccountUnusable.
    """
    ours = our_account()
    if run_as is None and ours.uid != 0:
        return ours
    account = _named(run_as or UNPRIVILEGED)
    if account.uid == 0:
        raise AccountUnusable(account.name, "PostgreSQL refuses to run with root's rights")
    if not account.is_ours and ours.uid != 0:
        raise AccountUnusable(account.name, f"{ours.name} may not start programs as it")
    return account


def name_of(uid: int) -> str:
    """The name of an account for people to read; its number when it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _named(name: str) -> Account:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise AccountUnusable(name, "there is no such account here") from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
