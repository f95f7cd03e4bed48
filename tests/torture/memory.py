"""Samples the memory of the processes of one `showup serve`, and tells a leak from noise."""

import asyncio
import statistics
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from tests.torture.programs import Program, postmaster

# Caches, prepared statements and pools of memory fill in this part of the time.
_WARM_UP: Final = 1 / 3
# Samples at the beginning and at the end of the rest, whose medians are compared.
_COMPARED: Final = 1 / 4
# What a process may grow by: a leak of 1 KB for each webhook exceeds it within 30 minutes.
_LARGEST_GROWTH: Final = 0.10
_LEAST_GROWTH: Final = 12_000_000


@dataclass(frozen=True, slots=True)
class Growth:
    """The resident memory of one process in bytes: after the warm-up, and at the end.

    Forked processes stop sharing pages with their parent one by one. That raises the private part and the
    proportional share (PSS) of each for an hour and more, but takes no page more than it had: it isn't a leak.
    """

    early: float
    late: float

    @property
    def is_leak(self) -> bool:
        """Returns whether the process grew by more than noise."""
        return self.late - self.early > max(_LEAST_GROWTH, _LARGEST_GROWTH * self.early)


def growth_of(samples: Sequence[float]) -> Growth:
    """Compares the samples of a process, which were taken at regular intervals from its start."""
    warm = samples[int(len(samples) * _WARM_UP) :]
    count = max(1, int(len(warm) * _COMPARED))
    return Growth(statistics.median(warm[:count]), statistics.median(warm[-count:]))


async def sample_memory(serve: Program, data: Path, interval: float, samples: dict[str, list[float]]) -> None:
    """Samples the memory of each process, by its name and number."""
    while True:
        for name, size in (await asyncio.to_thread(_memory, serve, data)).items():
            samples.setdefault(name, []).append(size)
        await asyncio.sleep(interval)


def _memory(serve: Program, data: Path) -> Mapping[str, float]:
    parent = psutil.Process(serve.process.pid)
    database = postmaster(data)
    excluded = {database.pid, *(one.pid for one in database.children())} if database else set()
    found: dict[str, float] = {}
    for process in (parent, *parent.children(recursive=True)):
        with suppress(psutil.Error):
            if process.pid not in excluded:
                name = "parent" if process is parent else process.name()
                found[f"{name} ({process.pid})"] = process.memory_info().rss
    return found


def describe_growth(growth: Growth) -> str:
    """Returns both sizes and their difference in megabytes."""
    change = growth.late - growth.early
    return f"{growth.early / 1e6:.1f} → {growth.late / 1e6:.1f} MB ({change / 1e6:+.1f})"
