"""Processor time and memory of processes, from /proc on Linux; None elsewhere."""

import os
import resource
import sys
from pathlib import Path

_PROC = Path("/proc")
# Positions in /proc/PID/stat after the name in brackets, which may contain anything.
_PARENT, _OWN, _OF_CHILDREN = 1, slice(11, 13), slice(13, 15)


def parent_of(pid: int) -> int | None:
    """Returns the process id of the parent."""
    fields = _fields(pid)
    return None if fields is None else int(fields[_PARENT])


def cpu_seconds(pid: int) -> float | None:
    """Returns the seconds of processor time that one process has used so far."""
    fields = _fields(pid)
    return None if fields is None else _seconds(fields[_OWN])


def cpu_seconds_of_tree(pid: int) -> float | None:
    """Returns the same for a process and its children, including those that have ended."""
    fields = _fields(pid)
    if fields is None:
        return None
    members = (_fields(int(path.name)) for path in _PROC.iterdir() if path.name.isdigit())
    children = (_seconds(member[_OWN]) for member in members if member is not None and int(member[_PARENT]) == pid)
    return _seconds(fields[_OWN]) + _seconds(fields[_OF_CHILDREN]) + sum(children)


def peak_memory() -> float:
    """Returns the most memory that this process has used so far, in MB."""
    # Linux's rusage begins with the peak of the parent; the status file does not.
    if (status := _PROC / "self" / "status").exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024**2 if sys.platform == "darwin" else peak / 1024


def _fields(pid: int) -> list[str] | None:
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _seconds(ticks: list[str]) -> float:
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
