"""The machine of a measurement: its processor, how long its disk takes to flush, and the versions of the software."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter

import msgspec

from benchmarks.environment import BenchmarkEnvironment
from benchmarks.load import tool

_MEASURED = ("showup", "uvicorn", "uvloop", "httptools", "asyncpg", "msgspec", "sqlalchemy", "fastapi", "pydantic")
_PAGE = bytes(8192)


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """`load`: processes that waited for a core at the start; more than a few tenths make every figure doubtful."""

    system: str
    processor: str
    cores: int
    memory_gb: int
    load: float
    flush_us: int
    load_tool: str
    versions: dict[str, str]


def this_machine(environment: BenchmarkEnvironment) -> Machine:
    """Returns the machine of this run."""
    versions = {"python": platform.python_version(), "postgresql": environment.version.split()[0]}
    return Machine(
        system=f"{platform.system()} {platform.release()}",
        processor=_processor(),
        cores=os.cpu_count() or 0,
        memory_gb=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3),
        load=round(os.getloadavg()[0], 2),
        flush_us=_flush_us(environment.folder / "flushed"),
        load_tool=tool(),
        versions=versions | {name: version(name) for name in _MEASURED},
    )


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _flush_us(path: Path) -> int:
    """Returns the microseconds to write and flush a page of 8 KB, as a commit does; the median of a hundred."""
    timings: list[float] = []
    with path.open("wb") as file:
        for _ in range(100):
            started_at = perf_counter()
            file.write(_PAGE)
            file.flush()
            os.fsync(file.fileno())
            timings.append(perf_counter() - started_at)
    path.unlink()
    return round(median(timings) * 1e6)
