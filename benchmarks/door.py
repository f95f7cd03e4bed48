"""B1: durable signed webhooks a second, against the usual way and against the floor, one web process each."""

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
from benchmarks.ground import Ground, scalar
from benchmarks.load import Answered, send
from benchmarks.processor_time import used_by, used_by_family
from benchmarks.results import Found, Ratio

_CONNECTIONS = (64, 200)
_WARM_BODIES = 20_000
# Longer than the door lets anybody wait for the database.
_BETWEEN_LOOKS = 0.5
_COMPARED = (
    ("ours", "usual", 9.0),
    ("ours, applied", "usual", 4.0),
    ("ours", "floor", 0.6),
    ("ours", "asgi-floor", None),
)
_COUNTS = {
    "ours": "SELECT count(*) FROM calcom_events",
    "ours, applied": "SELECT count(*) FROM calcom_events",
    "usual": "SELECT count(*) FROM usual_webhooks",
    "floor": "SELECT 0",
    "asgi-floor": "SELECT 0",
}
_APPLIED = "SELECT count(*) FROM calcom_events WHERE state = 'applied'"


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How long each cell is measured, how often, and how many bodies there are for it."""

    seconds: int
    rounds: int
    bodies: int


FULL = Size(seconds=10, rounds=3, bodies=120_000)
QUICK = Size(seconds=4, rounds=1, bodies=40_000)


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement. `stored` is None where nothing is; processor time in µs a request, None where it is not told."""

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
        """Processor time a request, of server and PostgreSQL together; noise on the machine hardly changes it."""
        return None if self.server_us is None or self.postgres_us is None else self.server_us + self.postgres_us

    @property
    def fault(self) -> str | None:
        """What makes the figure worthless. When the load stops, each connection may have one answer on its way."""
        where = f"{self.subject} at {self.connections} connections"
        if self.errors:
            return f"{where}: {self.errors} errors"
        if self.stored is not None and not self.accepted <= self.stored <= self.accepted + self.connections:
            return f"{where}: {self.accepted} accepted, but {self.stored} stored"
        return None


async def measure(ground: Ground, progress: Progress, *, quick: bool) -> Found:
    """All cells, one after the other; of several rounds, the one in the middle."""
    size = QUICK if quick else FULL
    warm, bodies = ground.folder / "warm", ground.folder / "bodies"
    _write_all(progress, warm, bodies, size)
    plan = [(*pair, turn) for turn in range(size.rounds) for pair in product(_CONNECTIONS, _COUNTS)]
    cells: list[Cell] = []
    for connections, subject, _ in progress.track(plan, description="B1: load on the door"):
        async with ground.database() as url, _served(subject, url) as (port, server):
            await send(port, warm, connections=connections, seconds=1)
            cells.append(await _cell(ground, url, (subject, connections, port, server), bodies, size.seconds))
    return _found(cells, size)


def _write_all(progress: Progress, warm: Path, bodies: Path, size: Size) -> None:
    now = datetime.now(UTC)
    for path, numbers in ((warm, range(_WARM_BODIES)), (bodies, range(_WARM_BODIES, _WARM_BODIES + size.bodies))):
        written: Iterator[int] = write_signed(path, numbers, now)
        for _ in progress.track(written, total=len(numbers), description="B1: signing bodies"):
            pass


@asynccontextmanager
async def _served(subject: str, url: str) -> AsyncIterator[tuple[int, int]]:
    """The subject's port and process id, with a worker beside it where it is to apply."""
    kind, _, applied = subject.partition(", ")
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listening:
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(
                child("servers", kind, str(listening.fileno()), url, fds=(listening.fileno(),))
            )
            if applied:
                await stack.enter_async_context(child("worker", "beside", url))
            yield listening.getsockname()[1], server.pid


async def _cell(ground: Ground, url: str, what: tuple[str, int, int, int], bodies: Path, seconds: int) -> Cell:
    subject, connections, port, server = what
    stored, applied = await _settled(url, subject), await _applied(url, subject)
    used, used_below, begun = used_by(server), _used_below(ground), perf_counter()
    answered = await send(port, bodies, connections=connections, seconds=seconds)
    took = perf_counter() - begun
    applied_after = await _applied(url, subject)
    return Cell(
        subject=subject,
        connections=connections,
        per_second=answered.accepted / answered.seconds,
        p50_ms=answered.p50_ms,
        p99_ms=answered.p99_ms,
        accepted=answered.accepted,
        stored=None if subject.endswith("floor") else await _settled(url, subject) - stored,
        errors=answered.errors,
        server_us=_each(used, used_by(server), answered),
        postgres_us=_each(used_below, _used_below(ground), answered),
        applied_per_second=None if applied is None or applied_after is None else (applied_after - applied) / took,
    )


async def _settled(url: str, subject: str) -> int:
    """How many are stored, once those that were on their way when the load stopped are stored too."""
    before, now = -1, await scalar(url, _COUNTS[subject])
    while now != before:
        await asyncio.sleep(_BETWEEN_LOOKS)
        before, now = now, await scalar(url, _COUNTS[subject])
    return now


async def _applied(url: str, subject: str) -> int | None:
    return await scalar(url, _APPLIED) if subject == "ours, applied" else None


def _used_below(ground: Ground) -> float | None:
    return None if ground.postmaster is None else used_by_family(ground.postmaster)


def _each(before: float | None, after: float | None, answered: Answered) -> float | None:
    if before is None or after is None:
        return None
    return (after - before) / max(1, answered.answered) * 1e6


def _found(cells: list[Cell], size: Size) -> Found:
    middle = {
        (subject, connections): _middle(
            [one for one in cells if (one.subject, one.connections) == (subject, connections)]
        )
        for subject, connections in product(_COUNTS, _CONNECTIONS)
    }
    faults = [one.fault for one in cells if one.fault is not None]
    faults += [
        f"{one.subject} at {one.connections} connections: more requests than bodies, so some came twice"
        for one in cells
        if one.subject.startswith("ours") and one.accepted > size.bodies
    ]
    rows = [msgspec.to_builtins(one) for one in middle.values()]
    return Found(
        name="b1", title="B1: durable signed webhooks a second", ratios=_ratios(middle), rows=rows, faults=faults
    )


def _middle(cells: list[Cell]) -> Cell:
    return sorted(cells, key=lambda one: one.per_second)[len(cells) // 2]


def _ratios(middle: dict[tuple[str, int], Cell]) -> list[Ratio]:
    return [
        ratio
        for connections in _CONNECTIONS
        for one, other, wanted in _COMPARED
        for ratio in _compared(middle[one, connections], middle[other, connections], wanted)
    ]


def _compared(one: Cell, other: Cell, wanted: float | None) -> Iterator[Ratio]:
    what = f"{one.subject} / {other.subject}, {one.connections} connections"
    yield Ratio(what=what, found=one.per_second / max(1.0, other.per_second), wanted=wanted)
    if one.processor_us and other.processor_us:
        yield Ratio(what=f"  by processor time, {what}", found=other.processor_us / one.processor_us)
