"""B2, the hard case: one late cancellation in the middle of a company's past, by how many bookings it has."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from statistics import mean, median
from time import perf_counter, process_time

import msgspec
from rich.progress import Progress
from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.bodies import Sent, cancellation, history
from benchmarks.environment import BenchmarkEnvironment, scalar
from benchmarks.projection import ingest, postgres_cpu_seconds
from benchmarks.results import BenchmarkReport, Ratio
from showup.cli.child import tune_garbage_collection
from showup.clock import system_clock
from showup.container import build_projection_worker
from showup.database.engine import connect
from showup.inbox.projection_worker import ProjectionWorker

_FULL = (200, 2_000, 10_000)
_QUICK = (200, 2_000)
_REFERENCE_BOOKINGS, _WITHIN_MS = 2_000, 100.0
# Every tenth booking is cancelled in time, so that the company has many deals.
_CANCELLED_EVERY = 10
_LATE_COUNT = 15
_COMPANY = "largecustomer.example"
_SINCE = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)
_APART = timedelta(minutes=30)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """The time that a late event of a company took: the transaction that applies it, from begin to commit.

    `python_ms` and `postgres_ms` are processor time; None where unknown.
    """

    bookings: int
    deals: int
    audit_log_entries: int
    median_ms: float
    slowest_ms: float
    python_ms: float
    postgres_ms: float | None


async def measure(environment: BenchmarkEnvironment, progress: Progress, *, quick: bool) -> BenchmarkReport:
    """Measures companies of several sizes, each in its own database."""
    rows = [await _row(environment, progress, bookings) for bookings in (_QUICK if quick else _FULL)]
    reference = next(row for row in rows if row.bookings == _REFERENCE_BOOKINGS)
    return BenchmarkReport(
        name="b2-late-events",
        title="B2: one late cancellation from the middle of a company's past",
        ratios=[
            Ratio(
                label=f"100 ms / median at {_REFERENCE_BOOKINGS:,} bookings",
                value=_WITHIN_MS / reference.median_ms,
                required=1.0,
            ),
            Ratio(
                label=f"median at {rows[-1].bookings:,} / at {rows[0].bookings:,}",
                value=rows[-1].median_ms / rows[0].median_ms,
            ),
        ],
        rows=[msgspec.to_builtins(row) for row in rows],
        faults=[f"{row.bookings} bookings: {row.deals} deals" for row in rows if row.deals < 2],
    )


async def _row(environment: BenchmarkEnvironment, progress: Progress, bookings: int) -> Row:
    async with environment.database() as url, _engine(url) as engine:
        webhooks = _all_webhooks(bookings)
        task = progress.add_task(f"B2: a company with {bookings:,} bookings", total=2 * len(webhooks))
        await ingest(url, webhooks, progress, task)
        applier = build_projection_worker(engine, system_clock)
        while applied_count := await applier.drain_once():
            progress.update(task, advance=applied_count)
        deals = await scalar(url, "SELECT count(*) FROM deals")
        lines = await scalar(url, "SELECT count(*) FROM audit_log")
        task = progress.add_task("B2: late events", total=_LATE_COUNT)
        timings = []
        for late_event in _late_cancellations(bookings):
            await ingest(url, [late_event], progress, task)
            timings.append(await _time_apply(environment, applier))
    walls, python, postgres = zip(*timings, strict=True)
    return Row(
        bookings=bookings,
        deals=deals,
        audit_log_entries=lines,
        median_ms=median(walls),
        slowest_ms=max(walls),
        python_ms=mean(python),
        postgres_ms=None if environment.postmaster is None else mean(postgres),
    )


async def _time_apply(environment: BenchmarkEnvironment, applier: ProjectionWorker) -> tuple[float, float, float]:
    """Returns milliseconds from begin to commit, and of processor time here and in PostgreSQL."""
    postgres_before = postgres_cpu_seconds(environment)
    started_at, cpu_seconds = perf_counter(), process_time()
    await applier.drain_once()
    elapsed, cpu_seconds = perf_counter() - started_at, process_time() - cpu_seconds
    postgres_after = postgres_cpu_seconds(environment)
    return (
        elapsed * 1000,
        cpu_seconds * 1000,
        0.0 if postgres_after is None or postgres_before is None else (postgres_after - postgres_before) * 1000,
    )


@asynccontextmanager
async def _engine(url: str) -> AsyncIterator[AsyncEngine]:
    engine = connect(url)
    tune_garbage_collection()
    try:
        yield engine
    finally:
        await engine.dispose()


def _booked_at(number: int) -> datetime:
    return _SINCE + number * _APART


def _all_webhooks(bookings: int) -> list[Sent]:
    """Returns the bodies of all bookings in the order of sending."""
    found: list[Sent] = []
    for number in range(bookings):
        *earlier, ended = history(number, _booked_at(number), _COMPANY)
        is_cancelled = number % _CANCELLED_EVERY == 0
        found += [*earlier, cancellation(number, _booked_at(number), _COMPANY) if is_cancelled else ended]
    return sorted(found, key=lambda sent: sent.at)


def _late_cancellations(bookings: int) -> list[Sent]:
    """Returns cancellations of meetings that ended long ago, around the middle."""
    middle = bookings // 2
    numbers = [number_in_range for number_in_range in range(middle, bookings) if number_in_range % _CANCELLED_EVERY][
        :_LATE_COUNT
    ]
    return [cancellation(number, _booked_at(number), _COMPANY) for number in numbers]
