"""One process that applies, as measured.

`python -m benchmarks.worker beside URL` applies until SIGTERM, as `showup work` does; `… batches URL` and
`… one-by-one URL` apply what is kept, print how many after each batch, then what it took as one line of JSON.
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
from showup.clock import system_clock
from showup.commands.processes import spare_the_collector
from showup.database.engine import connect, transaction
from showup.database.tables import workspaces
from showup.inbox.applier import Applier
from showup.inbox.apply import apply_some


class Worked(msgspec.Struct, frozen=True, kw_only=True):
    """`done_at`: seconds since the beginning, and how many events had been applied by then, after each batch."""

    seconds: float
    done_at: list[tuple[float, int]]
    cpu_seconds: float
    peak_mb: float


async def _beside(url: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    engine = connect(url)
    ready()
    await Applier(engine, system_clock).run(stop)
    await engine.dispose()


async def _batches(url: str) -> None:
    engine = connect(url)
    # What `drain` does, step by step, so that each can be timed.
    await _work(Applier(engine, system_clock).drain_once)
    await engine.dispose()


async def _one_by_one(url: str) -> None:
    engine = connect(url)
    async with transaction(engine) as tx:
        workspace_id = (await tx.execute(select(workspaces.c.id))).scalar_one()
    await _work(lambda: apply_some(engine, workspace_id, system_clock, limit=1))
    await engine.dispose()


async def _work(step: Callable[[], Awaitable[int]]) -> None:
    spare_the_collector()
    ready()
    begun, used = perf_counter(), process_time()
    done, done_at = 0, []
    while worked := await step():
        done += worked
        done_at.append((perf_counter() - begun, done))
        print(done, flush=True)
    worked_for = perf_counter() - begun
    told = Worked(seconds=worked_for, done_at=done_at, cpu_seconds=process_time() - used, peak_mb=peak_memory())
    print(msgspec.json.encode(told).decode(), flush=True)


def main() -> None:
    """Apply."""
    how, url = sys.argv[1:]
    uvloop.run({"beside": _beside, "batches": _batches, "one-by-one": _one_by_one}[how](url))


if __name__ == "__main__":
    main()
