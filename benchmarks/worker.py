"""One process that applies events, as measured.

`python -m benchmarks.worker beside URL` applies until SIGTERM; `… batches URL` and `… one-by-one
URL` apply the stored events, print how many after each batch, then the cost as one line of JSON.
"""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from time import perf_counter, process_time

import msgspec
import uvloop
from sqlalchemy import select

from benchmarks.children import ready
from benchmarks.processor_time import peak_memory
from showup import logs
from showup.cli.child import tune_garbage_collection
from showup.clock import system_clock
from showup.container import build_projection_worker, event_handlers
from showup.database.engine import connect, transaction
from showup.database.tables import workspaces
from showup.inbox.apply import apply_pending


class WorkResult(msgspec.Struct, frozen=True, kw_only=True):
    """`progress`: seconds since the beginning, and how many events were applied by then, after each batch."""

    seconds: float
    progress: list[tuple[float, int]]
    cpu_seconds: float
    peak_mb: float


async def _run_until_stopped(url: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    engine = connect(url)
    ready()
    await build_projection_worker(engine, system_clock).run(stop)
    await engine.dispose()


async def _batches(url: str) -> None:
    engine = connect(url)
    # The same as `drain`, step by step, so that each step can be timed.
    await _work(build_projection_worker(engine, system_clock).drain_once)
    await engine.dispose()


async def _one_by_one(url: str) -> None:
    engine = connect(url)
    async with transaction(engine) as tx:
        workspace_id = (await tx.execute(select(workspaces.c.id))).scalar_one()
    await _work(lambda: apply_pending(engine, workspace_id, system_clock, event_handlers(), limit=1))
    await engine.dispose()


async def _work(step: Callable[[], Awaitable[int]]) -> None:
    tune_garbage_collection()
    ready()
    started_at, cpu_before = perf_counter(), process_time()
    applied_total, progress = 0, []
    while applied_count := await step():
        applied_total += applied_count
        progress.append((perf_counter() - started_at, applied_total))
        print(applied_total, flush=True)
    worked_for = perf_counter() - started_at
    result = WorkResult(
        seconds=worked_for, progress=progress, cpu_seconds=process_time() - cpu_before, peak_mb=peak_memory()
    )
    print(msgspec.json.encode(result).decode(), flush=True)


def main() -> None:
    """Apply."""
    mode, url = sys.argv[1:]
    # The parent reads this process's standard output.
    logs.configure("WARNING")
    uvloop.run({"beside": _run_until_stopped, "batches": _batches, "one-by-one": _one_by_one}[mode](url))


if __name__ == "__main__":
    main()
