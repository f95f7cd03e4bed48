"""B2, the hard case: one late cancellation from the middle of a company's past, by how many bookings it has."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from statistics import mean, median
from time import perf_counter, process_time

import msgspec
from rich.progress import Progress
from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.applying import keep, used_below_postmaster
from benchmarks.bodies import Sent, cancellation, story
from benchmarks.ground import Ground, scalar
from benchmarks.results import Found, Ratio
from showup.clock import system_clock
from showup.commands.processes import spare_the_collector
from showup.database.engine import connect
from showup.inbox.applier import Applier

_FULL = (200, 2_000, 10_000)
_QUICK = (200, 2_000)
_ASKED, _WITHIN_MS = 2_000, 100.0
# Every tenth booking is called off in time, so that the company has many deals.
_CALLED_OFF_EVERY = 10
_LATE = 15
_COMPANY = "largecustomer.example"
_SINCE = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)
_APART = timedelta(minutes=30)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What late news of a company took from its arrival on: the transaction that applies it, begin to commit.

    `python_ms` and `postgres_ms` are processor time; None where the system does not tell.
    """

    bookings: int
    deals: int
    journal_lines: int
    median_ms: float
    slowest_ms: float
    python_ms: float
    postgres_ms: float | None


async def measure(ground: Ground, progress: Progress, *, quick: bool) -> Found:
    """Companies of several sizes, each in a database of its own."""
    rows = [await _row(ground, progress, bookings) for bookings in (_QUICK if quick else _FULL)]
    asked = next(row for row in rows if row.bookings == _ASKED)
    return Found(
        name="b2-late-news",
        title="B2: one late cancellation from the middle of a company's past",
        ratios=[
            Ratio(what=f"100 ms / median at {_ASKED:,} bookings", found=_WITHIN_MS / asked.median_ms, wanted=1.0),
            Ratio(
                what=f"median at {rows[-1].bookings:,} / at {rows[0].bookings:,}",
                found=rows[-1].median_ms / rows[0].median_ms,
            ),
        ],
        rows=[msgspec.to_builtins(row) for row in rows],
        faults=[f"{row.bookings} bookings: {row.deals} deals" for row in rows if row.deals < 2],
    )


async def _row(ground: Ground, progress: Progress, bookings: int) -> Row:
    async with ground.database() as url, _engine(url) as engine:
        past = _past(bookings)
        task = progress.add_task(f"B2: a company with {bookings:,} bookings", total=2 * len(past))
        await keep(url, past, progress, task)
        applier = Applier(engine, system_clock)
        while worked := await applier.drain_once():
            progress.update(task, advance=worked)
        deals = await scalar(url, "SELECT count(*) FROM deals")
        lines = await scalar(url, "SELECT count(*) FROM journal")
        task = progress.add_task("B2: late news", total=_LATE)
        took = []
        for late in _late(bookings):
            await keep(url, [late], progress, task)
            took.append(await _applied(ground, applier))
    walls, python, postgres = zip(*took, strict=True)
    return Row(
        bookings=bookings,
        deals=deals,
        journal_lines=lines,
        median_ms=median(walls),
        slowest_ms=max(walls),
        python_ms=mean(python),
        postgres_ms=None if ground.postmaster is None else mean(postgres),
    )


async def _applied(ground: Ground, applier: Applier) -> tuple[float, float, float]:
    """Milliseconds from beginning to commit, and of processor time here and in PostgreSQL."""
    used_below = used_below_postmaster(ground)
    begun, used = perf_counter(), process_time()
    await applier.drain_once()
    took, used = perf_counter() - begun, process_time() - used
    below = used_below_postmaster(ground)
    return took * 1000, used * 1000, 0.0 if below is None or used_below is None else (below - used_below) * 1000


@asynccontextmanager
async def _engine(url: str) -> AsyncIterator[AsyncEngine]:
    engine = connect(url)
    spare_the_collector()
    try:
        yield engine
    finally:
        await engine.dispose()


def _booked_at(number: int) -> datetime:
    return _SINCE + number * _APART


def _past(bookings: int) -> list[Sent]:
    """Every story in the order of its sending."""
    found: list[Sent] = []
    for number in range(bookings):
        *told, ended = story(number, _booked_at(number), _COMPANY)
        called_off = number % _CALLED_OFF_EVERY == 0
        found += [*told, cancellation(number, _booked_at(number), _COMPANY) if called_off else ended]
    return sorted(found, key=lambda sent: sent.at)


def _late(bookings: int) -> list[Sent]:
    """Cancellations of meetings that are long over, around the middle."""
    middle = bookings // 2
    numbers = [one for one in range(middle, bookings) if one % _CALLED_OFF_EVERY][:_LATE]
    return [cancellation(number, _booked_at(number), _COMPANY) for number in numbers]
