"""The deployment of R4 with its data folder on its own disk, small enough to fill to the last byte."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import ClassVar

from tests.torture.outages import Outages

_MEGABYTES = 400


class SmallDisk(Outages):
    """A disk in memory; only where `unsupported_reason` is None."""

    targets: ClassVar[Sequence[str]] = (*Outages.targets, "disk full")

    def __init__(self, folder: Path) -> None:
        data = folder / "data"
        data.mkdir()
        assert _mount(data) is None, "no disk in memory can be made here"
        try:
            super().__init__(folder)
        except BaseException:
            _unmount(data)
            raise

    def close(self, *, preserve: bool = False) -> None:
        try:
            super().close(preserve=preserve)
        finally:
            if not preserve:
                _unmount(self.data)


@cache
def unsupported_reason() -> str | None:
    """Returns why this machine or account can't make a disk in memory, or None."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "only root on Linux makes a disk in memory"
    folder = Path(tempfile.mkdtemp())
    try:
        if (reason := _mount(folder)) is None:
            _unmount(folder)
        return reason
    finally:
        shutil.rmtree(folder)


def _mount(folder: Path) -> str | None:
    options = f"size={_MEGABYTES}m,mode=711"
    arguments = ("mount", "-t", "tmpfs", "-o", options, "tmpfs", folder)
    completed = subprocess.run(arguments, capture_output=True, text=True, check=False)
    return None if completed.returncode == 0 else f"mount: {completed.stderr.strip()}"


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", folder], check=True)
