"""B2: events applied a second by one worker, in order and shuffled, beside one transaction for each event."""

import random
from asyncio.subprocess import Process
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import asyncpg
import msgspec
from rich.progress import Progress, TaskID

from benchmarks.bodies import Sent, all_histories
from benchmarks.children import child, lines
from benchmarks.environment import BenchmarkEnvironment, scalar
from benchmarks.processor_time import cpu_seconds_of_tree
from benchmarks.results import BenchmarkReport, Ratio
from benchmarks.worker import WorkResult
from showup.inbox import store
from showup.inbox.inbox_event import IncomingEvent

_EVENTS_A_BOOKING = 4
_SINCE = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)
_INGEST_BATCH = 500
_MOST_MEMORY_MB = 500.0
_ACCOUNT = "SELECT id, workspace_id FROM connections WHERE kind = 'calcom'"
_OF_EVENTS = {
    "applied events": "SELECT count(*) FROM inbox_events WHERE state = 'applied' AND because IS NULL",
    "events in the feed": "SELECT count(DISTINCT number) FROM inbox_events",
}


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How many bookings for batches, and for one transaction for each event."""

    bookings: int
    one_by_one: int


FULL = Size(bookings=25_000, one_by_one=2_000)
QUICK = Size(bookings=2_000, one_by_one=250)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement. The first and last tenth show how the rate changes as tables grow.

    `worker_us` and `postgres_us` are processor time an event; None where unknown.
    """

    mode: str
    events: int
    per_second: float
    first_tenth_per_second: float
    last_tenth_per_second: float
    slowest_batch_ms: float
    peak_mb: float
    worker_us: float
    postgres_us: float | None


async def measure(environment: BenchmarkEnvironment, progress: Progress, *, quick: bool) -> BenchmarkReport:
    """Measures in order, shuffled, and one by one, each in its own database."""
    size = QUICK if quick else FULL
    in_order = all_histories(size.bookings, _SINCE)
    shuffled = random.Random("shuffled").sample(in_order, len(in_order))
    small_sample = all_histories(size.one_by_one, _SINCE)
    faults: list[str] = []
    rows = [
        await _row(environment, progress, faults, ("batches", "in order"), in_order),
        await _row(environment, progress, faults, ("batches", "shuffled"), shuffled),
        await _row(environment, progress, faults, ("one-by-one", "in order"), small_sample),
    ]
    faults += [f"{one.mode}: {one.peak_mb:.0f} MB" for one in rows if one.peak_mb > _MOST_MEMORY_MB]
    return BenchmarkReport(
        name="b2",
        title="B2: events applied a second by one worker",
        ratios=_ratios(*rows),
        rows=[msgspec.to_builtins(row) for row in rows],
        faults=faults,
    )


def _ratios(batches: Row, shuffled: Row, one_by_one: Row) -> list[Ratio]:
    return [
        Ratio(
            label="batches / one transaction an event", value=batches.per_second / one_by_one.per_second, required=3.0
        ),
        Ratio(label="batches / 2,000 a second", value=batches.per_second / 2000, required=1.0),
        Ratio(label="shuffled / in order", value=shuffled.per_second / batches.per_second),
        Ratio(
            label="last tenth / first tenth of the batches",
            value=batches.last_tenth_per_second / batches.first_tenth_per_second,
        ),
    ]


async def _row(
    environment: BenchmarkEnvironment,
    progress: Progress,
    faults: list[str],
    labels: tuple[str, str],
    arrivals: Sequence[Sent],
) -> Row:
    mode, order = labels
    async with environment.database() as url:
        task = progress.add_task(f"B2: storing, {order}", total=len(arrivals))
        await ingest(url, arrivals, progress, task)
        task = progress.add_task(f"B2: applying {mode}, {order}", total=len(arrivals))
        cpu_before = postgres_cpu_seconds(environment)
        async with child("worker", mode, url) as process:
            result = await _read_result(process, progress, task)
        cpu_after = postgres_cpu_seconds(environment)
        faults += await _count_faults(url, f"{mode}, {order}", len(arrivals))
    postgres_us = None if cpu_before is None or cpu_after is None else (cpu_after - cpu_before) / len(arrivals) * 1e6
    return _measured(f"{mode}, {order}", len(arrivals), result, postgres_us)


def _measured(mode: str, events: int, result: WorkResult, postgres_us: float | None) -> Row:
    marks = [(0.0, 0), *result.progress]
    first = next(mark for mark in marks if mark[1] >= events / 10)
    last = next(mark for mark in reversed(marks) if mark[1] <= events - events / 10)
    return Row(
        mode=mode,
        events=events,
        per_second=events / result.seconds,
        first_tenth_per_second=first[1] / first[0],
        last_tenth_per_second=(events - last[1]) / (result.seconds - last[0]),
        slowest_batch_ms=max(after[0] - before[0] for before, after in pairwise(marks)) * 1000,
        peak_mb=result.peak_mb,
        worker_us=result.cpu_seconds / events * 1e6,
        postgres_us=postgres_us,
    )


async def ingest(url: str, arrivals: Sequence[Sent], progress: Progress, task: TaskID) -> None:
    """Stores the bodies in this order, as the webhook endpoint does; each is received after all earlier ones."""
    driver = await asyncpg.connect(url)
    try:
        account = await driver.fetchrow(_ACCOUNT)
        received_at = arrivals[0].at
        for offset in range(0, len(arrivals), _INGEST_BATCH):
            batch: list[IncomingEvent] = []
            for sent in arrivals[offset : offset + _INGEST_BATCH]:
                received_at = max(received_at + timedelta(milliseconds=1), sent.at + timedelta(seconds=1))
                batch.append(
                    IncomingEvent(
                        account_id=account[0], workspace_id=account[1], body=sent.body, received_at=received_at
                    )
                )
            await store.insert_events(driver, batch)
            progress.update(task, advance=len(batch))
    finally:
        await driver.close()


async def _read_result(process: Process, progress: Progress, task: TaskID) -> WorkResult:
    """The worker's result, printed at its end; before, it prints its progress."""
    line = b""
    async for line in lines(process):
        if line[:1].isdigit():
            progress.update(task, completed=int(line))
    return msgspec.json.decode(line, type=WorkResult)


async def _count_faults(url: str, mode: str, events: int) -> list[str]:
    """Yields how the data differs from what was sent."""
    expected = [(name, query, events) for name, query in _OF_EVENTS.items()]
    expected.append(("bookings", "SELECT count(*) FROM bookings", events // _EVENTS_A_BOOKING))
    found = [(name, await scalar(url, query), expected_count) for name, query, expected_count in expected]
    return [
        f"{mode}: {count} {name} instead of {expected_count}"
        for name, count, expected_count in found
        if count != expected_count
    ]


def postgres_cpu_seconds(environment: BenchmarkEnvironment) -> float | None:
    """Returns the seconds of processor time that PostgreSQL has used so far; None where unknown."""
    return None if environment.postmaster is None else cpu_seconds_of_tree(environment.postmaster)
