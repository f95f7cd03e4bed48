"""Processes that a measurement starts: each reports when it is ready, and ends with its parent."""

import asyncio
import os
import sys
import threading
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
_READY = b"ready\n"
# A worker reports all its batches in one line.
_LONGEST_LINE = 2**24


@asynccontextmanager
async def child(module: str, *arguments: str, fds: tuple[int, ...] = ()) -> AsyncIterator[Process]:
    """Starts `python -m benchmarks.<module>` and waits until it is ready; it inherits `fds`. Raises RuntimeError."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"benchmarks.{module}",
        *arguments,
        stdin=PIPE,
        stdout=PIPE,
        cwd=ROOT,
        pass_fds=fds,
        limit=_LONGEST_LINE,
    )
    try:
        if await lines(process).readline() != _READY:
            raise RuntimeError(f"benchmarks.{module} {arguments[0]} ended before it was ready")
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def lines(process: Process) -> asyncio.StreamReader:
    """Yields the output of the process."""
    assert process.stdout is not None, "it was started with a pipe"
    return process.stdout


def ready() -> None:
    """In the child: reports to the parent; from now on the child ends when the parent does."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.write(1, _READY)


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)
