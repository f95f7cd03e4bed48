"""B7: how long `showup serve` takes to start, and what it takes while nothing happens."""

import asyncio
import os
import re
import shutil
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from statistics import median
from time import perf_counter

import msgspec
import psutil
from rich.progress import Progress

from benchmarks.children import ROOT, lines
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.results import BenchmarkReport, Ratio

_FIRST_SECONDS, _LATER_SECONDS, _IDLE_MB, _IDLE_PERCENT = 5.0, 2.0, 300.0, 2.0
# What a start leaves to be done is over then.
_WARM_UP_SECONDS = 10.0


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How often to start, and how many seconds to observe it while it is idle."""

    starts: int
    idle_seconds: float


FULL = Size(starts=5, idle_seconds=60)
QUICK = Size(starts=3, idle_seconds=20)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One start: seconds until it was ready, with its processor time; or, while idle, the memory of some processes."""

    label: str
    seconds: float | None = None
    cpu_seconds: float | None = None
    pss_mb: float | None = None
    cpu_percent: float | None = None


async def measure(environment: BenchmarkEnvironment, progress: Progress, *, quick: bool) -> BenchmarkReport:
    """Starts it on an empty folder, then on the same folder again, and observes the last start while it is idle."""
    size = QUICK if quick else FULL
    task = progress.add_task("B7: start and idle", total=size.starts + 1)
    data = environment.folder / "started"
    rows: list[Row] = []
    for number in range(size.starts + 1):
        label = f"start {number}" if number else "first start"
        async with _started(data) as (process, seconds):
            rows.append(Row(label=label, seconds=seconds, cpu_seconds=_cpu_seconds(process, with_ended=True)))
            if number == size.starts:
                rows += await _observe(process, size.idle_seconds)
        progress.advance(task)
    shutil.rmtree(data)
    later = median(row.seconds for row in rows[1:] if row.seconds is not None)
    idle = rows[-1]
    return BenchmarkReport(
        name="b7",
        title="B7: start, and idle",
        ratios=[
            Ratio(label="5 s / first start", value=_FIRST_SECONDS / (rows[0].seconds or 0), required=1.0),
            Ratio(label="2 s / later start, median", value=_LATER_SECONDS / later, required=1.0),
            Ratio(label="300 MB / idle memory", value=_IDLE_MB / (idle.pss_mb or 0), required=1.0),
            Ratio(label="2 % of a core / idle", value=_IDLE_PERCENT / (idle.cpu_percent or 0.01), required=1.0),
        ],
        rows=[msgspec.to_builtins(row) for row in rows],
        faults=[],
    )


async def _observe(process: psutil.Process, seconds: float) -> list[Row]:
    """Returns a row for each process of Showup, one for PostgreSQL, and last their total."""
    await asyncio.sleep(_WARM_UP_SECONDS)
    cpu_before = _cpu_seconds(process)
    await asyncio.sleep(seconds)
    percent = 100 * (_cpu_seconds(process) - cpu_before) / seconds
    sizes: dict[str, float] = {}
    for number, one in enumerate(_tree(process)):
        label = "postgresql" if one.name() == "postgres" else f"process {number}"
        sizes[label] = sizes.get(label, 0.0) + one.memory_full_info().pss / 1024**2
    rows = [Row(label=f"idle, {label}", pss_mb=size) for label, size in sizes.items()]
    return [*rows, Row(label="idle, all", pss_mb=sum(sizes.values()), cpu_percent=percent)]


def _tree(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def _cpu_seconds(process: psutil.Process, *, with_ended: bool = False) -> float:
    total = 0.0
    for one in _tree(process):
        with suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            total += times.user + times.system
            total += times.children_user + times.children_system if with_ended else 0.0
    return total


@asynccontextmanager
async def _started(data: Path) -> AsyncIterator[tuple[psutil.Process, float]]:
    """Yields a `showup serve` with its own PostgreSQL, and the seconds until it was ready."""
    began_at = perf_counter()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "showup", "serve", "--port", "0"),
        stdout=PIPE,
        stderr=DEVNULL,
        cwd=ROOT,
        env=os.environ | {"SHOWUP_DATA_DIR": str(data), "PYTHONUNBUFFERED": "1"},
    )
    try:
        await _wait_until_ready(process)
        yield psutil.Process(process.pid), perf_counter() - began_at
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _wait_until_ready(process: Process) -> None:
    while line := (await lines(process).readline()).decode():
        if re.search(r"running at \S+", line):
            return
    raise RuntimeError("showup serve ended before it was ready")
