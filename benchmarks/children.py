"""Processes that a measurement starts: each says when it is ready, and ends with whoever started it."""

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
# A worker tells of all its batches in one line.
_LONGEST_LINE = 2**24


@asynccontextmanager
async def child(module: str, *arguments: str, fds: tuple[int, ...] = ()) -> AsyncIterator[Process]:
    """`python -m benchmarks.<module>` once it is ready; `fds` are handed on. Raises RuntimeError."""
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
    """What the process prints."""
    assert process.stdout is not None, "it was started with a pipe"
    return process.stdout


def ready() -> None:
    """Tells the parent, in the child; from here on the child ends when the parent does."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.write(1, _READY)


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)
