"""R4 with its data folder on a disk of its own, small enough to be filled to the last byte."""

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
    """A disk in memory; only where `refusal` is None."""

    victims: ClassVar[Sequence[str]] = (*Outages.victims, "disk full")

    def __init__(self, folder: Path) -> None:
        data = folder / "data"
        data.mkdir()
        assert _mounted(data) is None, "no disk in memory can be made here"
        try:
            super().__init__(folder)
        except BaseException:
            _unmount(data)
            raise

    def close(self, *, keep: bool = False) -> None:
        try:
            super().close(keep=keep)
        finally:
            if not keep:
                _unmount(self.data)


@cache
def refusal() -> str | None:
    """Why this machine or account makes no disk in memory; None where it does."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "only root on Linux makes a disk in memory"
    tried = Path(tempfile.mkdtemp())
    try:
        if (refused := _mounted(tried)) is None:
            _unmount(tried)
        return refused
    finally:
        shutil.rmtree(tried)


def _mounted(folder: Path) -> str | None:
    options = f"size={_MEGABYTES}m,mode=711"
    words = ("mount", "-t", "tmpfs", "-o", options, "tmpfs", folder)
    said = subprocess.run(words, capture_output=True, text=True, check=False)
    return None if said.returncode == 0 else f"mount: {said.stderr.strip()}"


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", folder], check=True)
