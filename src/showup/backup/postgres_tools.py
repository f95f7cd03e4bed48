"""Run PostgreSQL's own programs for dumps, which come with the embedded PostgreSQL.

They work with servers up to their own version, older ones included.
"""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Final, cast
from urllib.parse import unquote, urlsplit, urlunsplit

from showup.database.address import SCHEMA, driver_arguments
from showup.database.embedded.binaries import installed

OnBytes = Callable[[int], None]
"""Called with the number of bytes since the last call."""

_SHOWN: Final = 500


class ProgramFailed(Exception):
    """A program of PostgreSQL failed; the text is its last message."""


@contextmanager
def dump(url: str, on_bytes: OnBytes) -> Iterator[IO[bytes]]:
    """Yield a consistent dump of the schema, as it is written. Raises ProgramFailed at the end if it is not complete.

    Owners and privileges are left out, so that it can be restored anywhere.
    """
    arguments = ["--format=custom", f"--schema={SCHEMA}", "--no-owner", "--no-privileges"]
    with _running("pg_dump", arguments, url) as process:
        assert process.stdout is not None
        yield cast("IO[bytes]", _Counted(process.stdout, on_bytes))


@contextmanager
def restore(url: str, on_bytes: OnBytes) -> Iterator[IO[bytes]]:
    """Yield a file to write a dump into: it is restored in one transaction, completely or not at all.

    Raises ProgramFailed at the end if it was not restored.
    """
    arguments = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
    with _running("pg_restore", arguments, url) as process:
        assert process.stdin is not None
        try:
            yield cast("IO[bytes]", _Counted(process.stdin, on_bytes))
            process.stdin.close()
        except BrokenPipeError:
            # The program ended before its input; its own message says why.
            process.kill()


@contextmanager
def _running(program: str, arguments: Sequence[str], url: str) -> Iterator["subprocess.Popen[bytes]"]:
    address, environment = _address(url)
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603  the program is the wheel's, the arguments are ours
            [installed() / program, *arguments, f"--dbname={address}"],
            stdin=subprocess.PIPE if program == "pg_restore" else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
        )
        try:
            yield process
        except BaseException:
            process.kill()
            process.communicate()
            raise
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
        if process.returncode != 0:
            errors.seek(0)
            lines = errors.read().decode(errors="replace").strip().splitlines()
            raise ProgramFailed((lines[-1] if lines else f"exit status {process.returncode}")[:_SHOWN])


def _address(url: str) -> tuple[str, dict[str, str]]:
    """Return the address without the password, which other users of the machine could read, and the environment."""
    parts = urlsplit(driver_arguments(url)["dsn"])
    user, separator, host = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    environment = {"PATH": os.defpath, "LC_ALL": "C"}
    if password:
        environment["PGPASSWORD"] = unquote(password)
    if "sslmode=verify-full" in parts.query and "sslrootcert" not in parts.query:
        # The certificates that this system trusts, as for Showup's own connections.
        environment["PGSSLROOTCERT"] = "system"
    return urlunsplit(parts._replace(netloc=f"{name}{separator}{host}")), environment


class _Counted:
    """A file that reports how many bytes pass: as much of one as copying needs."""

    def __init__(self, file: IO[bytes], on_bytes: OnBytes) -> None:
        self._file = file
        self._on_bytes = on_bytes

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(size)
        self._on_bytes(len(content))
        return content

    def write(self, content: bytes) -> int:
        self._on_bytes(len(content))
        return self._file.write(content)

    def flush(self) -> None:
        self._file.flush()
