"""B1: durable signed webhooks a second, beside an ordinary implementation and the floor, one web process each."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from time import perf_counter

import msgspec
from rich.progress import Progress

from benchmarks.bodies import write_signed
from benchmarks.children import child
from benchmarks.environment import BenchmarkEnvironment, scalar
from benchmarks.load import Answered, send
from benchmarks.processor_time import cpu_seconds, cpu_seconds_of_tree
from benchmarks.results import BenchmarkReport, Ratio

_CONNECTIONS = (64, 200)
_WARM_BODIES = 20_000
# Longer than a webhook request may wait for the database.
_POLL_INTERVAL = 0.5
_COMPARISONS = (
    ("showup", "baseline", 9.0),
    ("showup, applied", "baseline", 4.0),
    ("showup", "floor", 0.6),
    ("showup", "asgi-floor", None),
)
_COUNTS = {
    "showup": "SELECT count(*) FROM inbox_events",
    "showup, applied": "SELECT count(*) FROM inbox_events",
    "baseline": "SELECT count(*) FROM baseline_webhooks",
    "floor": "SELECT 0",
    "asgi-floor": "SELECT 0",
}
_APPLIED = "SELECT count(*) FROM inbox_events WHERE state = 'applied'"


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How long and how often to measure each cell, and how many bodies to prepare for it."""

    seconds: int
    rounds: int
    bodies: int


FULL = Size(seconds=10, rounds=3, bodies=120_000)
QUICK = Size(seconds=4, rounds=1, bodies=40_000)


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement. `stored` is None where nothing is stored; processor time in µs a request, None where unknown."""

    subject: str
    connections: int
    per_second: float
    p50_ms: float
    p99_ms: float
    accepted: int
    stored: int | None
    errors: int
    server_us: float | None
    postgres_us: float | None
    applied_per_second: float | None

    @property
    def processor_us(self) -> float | None:
        """Returns processor time a request, of server and PostgreSQL together; the machine's load hardly changes it."""
        return None if self.server_us is None or self.postgres_us is None else self.server_us + self.postgres_us

    @property
    def fault(self) -> str | None:
        """Yields what makes the figure invalid.

        When the load stops, each connection may have one response on its way.
        """
        where = f"{self.subject} at {self.connections} connections"
        if self.errors:
            return f"{where}: {self.errors} errors"
        if self.stored is not None and not self.accepted <= self.stored <= self.accepted + self.connections:
            return f"{where}: {self.accepted} accepted, but {self.stored} stored"
        return None


async def measure(environment: BenchmarkEnvironment, progress: Progress, *, quick: bool) -> BenchmarkReport:
    """Measures all cells, one after the other; of several rounds, returns the median."""
    size = QUICK if quick else FULL
    warm, bodies = environment.folder / "warm", environment.folder / "bodies"
    _write_all(progress, warm, bodies, size)
    plan = [(*pair, round_number) for round_number in range(size.rounds) for pair in product(_CONNECTIONS, _COUNTS)]
    cells: list[Cell] = []
    for connections, subject, _ in progress.track(plan, description="B1: load on the webhook endpoint"):
        async with environment.database() as url, _serve_subject(subject, url) as (port, server):
            await send(port, warm, connections=connections, seconds=1)
            cells.append(await _cell(environment, url, (subject, connections, port, server), bodies, size.seconds))
    return _to_report(cells, size)


def _write_all(progress: Progress, warm: Path, bodies: Path, size: Size) -> None:
    now = datetime.now(UTC)
    for path, numbers in ((warm, range(_WARM_BODIES)), (bodies, range(_WARM_BODIES, _WARM_BODIES + size.bodies))):
        written: Iterator[int] = write_signed(path, numbers, now)
        for _ in progress.track(written, total=len(numbers), description="B1: signing bodies"):
            pass


@asynccontextmanager
async def _serve_subject(subject: str, url: str) -> AsyncIterator[tuple[int, int]]:
    """Yields the subject's port and process id, with a worker beside it where it is to apply."""
    kind, _, applied = subject.partition(", ")
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(
                child("servers", kind, str(listener.fileno()), url, fds=(listener.fileno(),))
            )
            if applied:
                await stack.enter_async_context(child("worker", "beside", url))
            yield listener.getsockname()[1], server.pid


async def _cell(
    environment: BenchmarkEnvironment, url: str, setup: tuple[str, int, int, int], bodies: Path, seconds: int
) -> Cell:
    subject, connections, port, server = setup
    stored, applied = await _count_stored(url, subject), await _applied(url, subject)
    cpu_before, postgres_before, started_at = cpu_seconds(server), _postgres_cpu_seconds(environment), perf_counter()
    answered = await send(port, bodies, connections=connections, seconds=seconds)
    elapsed = perf_counter() - started_at
    applied_after = await _applied(url, subject)
    return Cell(
        subject=subject,
        connections=connections,
        per_second=answered.accepted / answered.seconds,
        p50_ms=answered.p50_ms,
        p99_ms=answered.p99_ms,
        accepted=answered.accepted,
        stored=None if subject.endswith("floor") else await _count_stored(url, subject) - stored,
        errors=answered.errors,
        server_us=_us_per_request(cpu_before, cpu_seconds(server), answered),
        postgres_us=_us_per_request(postgres_before, _postgres_cpu_seconds(environment), answered),
        applied_per_second=None if applied is None or applied_after is None else (applied_after - applied) / elapsed,
    )


async def _count_stored(url: str, subject: str) -> int:
    """Returns how many are stored, once those that were on their way when the load stopped are stored too."""
    before, now = -1, await scalar(url, _COUNTS[subject])
    while now != before:
        await asyncio.sleep(_POLL_INTERVAL)
        before, now = now, await scalar(url, _COUNTS[subject])
    return now


async def _applied(url: str, subject: str) -> int | None:
    return await scalar(url, _APPLIED) if subject == "showup, applied" else None


def _postgres_cpu_seconds(environment: BenchmarkEnvironment) -> float | None:
    return None if environment.postmaster is None else cpu_seconds_of_tree(environment.postmaster)


def _us_per_request(before: float | None, after: float | None, answered: Answered) -> float | None:
    if before is None or after is None:
        return None
    return (after - before) / max(1, answered.answered) * 1e6


def _to_report(cells: list[Cell], size: Size) -> BenchmarkReport:
    medians = {
        (subject, connections): _median_cell(
            [cell for cell in cells if (cell.subject, cell.connections) == (subject, connections)]
        )
        for subject, connections in product(_COUNTS, _CONNECTIONS)
    }
    faults = [cell.fault for cell in cells if cell.fault is not None]
    faults += [
        f"{cell.subject} at {cell.connections} connections: more requests than bodies, so some bodies were sent twice"
        for cell in cells
        if cell.subject.startswith("showup") and cell.accepted > size.bodies
    ]
    rows = [msgspec.to_builtins(cell) for cell in medians.values()]
    return BenchmarkReport(
        name="b1", title="B1: durable signed webhooks a second", ratios=_ratios(medians), rows=rows, faults=faults
    )


def _median_cell(cells: list[Cell]) -> Cell:
    return sorted(cells, key=lambda cell: cell.per_second)[len(cells) // 2]


def _ratios(medians: dict[tuple[str, int], Cell]) -> list[Ratio]:
    return [
        ratio
        for connections in _CONNECTIONS
        for subject, other_subject, required in _COMPARISONS
        for ratio in _compared(medians[subject, connections], medians[other_subject, connections], required)
    ]


def _compared(cell: Cell, other: Cell, required: float | None) -> Iterator[Ratio]:
    label = f"{cell.subject} / {other.subject}, {cell.connections} connections"
    yield Ratio(label=label, value=cell.per_second / max(1.0, other.per_second), required=required)
    if cell.processor_us and other.processor_us:
        yield Ratio(label=f"  by processor time, {label}", value=other.processor_us / cell.processor_us)
