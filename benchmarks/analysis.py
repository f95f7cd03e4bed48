"""B5: how long the analysis takes, by filter and by how many bookings there are.

Its weeks are counted before, as a delivery worker does each minute. The last row of each size is without these counts.
"""

from typing import Final

import asyncpg
import msgspec
from rich.progress import Progress

from benchmarks.analysis_data import fill
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.reads import Question, Row, open_reader
from benchmarks.results import BenchmarkReport, Ratio
from showup.analysis.week_counter import WeekCounter
from showup.clock import system_clock
from showup.database.engine import connect

_FULL, _QUICK = (10_000, 100_000, 1_000_000), (1_000, 10_000)
_TARGET_MS: Final = 250
_FILTERS: Final = {
    "no filter": "",
    "one organizer": "organizer=host{n}@brand.example",
    "organizer, source and event type": "organizer=host{n}@brand.example&source=unknown&event_type=type0",
    "days": "from=2025-07-0{day}&to=2026-09-1{day}",
    "days and source": "from=2025-07-0{day}&to=2026-09-1{day}&source=unknown",
    "one section": "section=lead_time",
}
_UNCOUNTED: Final = "no filter, nothing counted"


def _question(label: str, query: str) -> Question:
    return Question(
        label=label,
        target_ms=_TARGET_MS,
        path=lambda number, _: f"/api/analysis?{query.format(n=number % 12, day=1 + number % 9)}",
    )


async def measure(environment: BenchmarkEnvironment, progress: Progress, *, quick: bool) -> BenchmarkReport:
    """Measures each filter at each size."""
    sizes = _QUICK if quick else _FULL
    questions = [_question(label, query) for label, query in _FILTERS.items()]
    task = progress.add_task("B5: analysis", total=len(sizes) * (len(questions) + 2))
    rows: list[Row] = []
    faults: list[str] = []
    for bookings in sizes:
        async with environment.database() as url:
            await _fill(url, bookings)
            progress.advance(task)
            async with open_reader(url, environment.postmaster) as reader:
                rows += await reader.ask_all(questions, bookings, lambda: progress.advance(task))
                await _forget_counts(url)
                rows += await reader.ask_all([_question(_UNCOUNTED, "")], bookings, lambda: progress.advance(task))
                faults += reader.faults
    return BenchmarkReport(
        name="b5-analysis",
        title="B5: analysis, by how many bookings there are",
        ratios=_ratios(rows, sizes),
        rows=[msgspec.to_builtins(row) for row in rows],
        faults=faults,
    )


def _ratios(rows: list[Row], sizes: tuple[int, ...]) -> list[Ratio]:
    found = {(row.label, row.bookings): row for row in rows}
    return [
        Ratio(
            label=f"{_TARGET_MS} ms / {label}, p99, {sizes[-1]:,}",
            value=_TARGET_MS / found[label, sizes[-1]].p99_ms,
            required=1.0,
        )
        for label in _FILTERS
    ]


async def _fill(url: str, bookings: int) -> None:
    driver = await asyncpg.connect(url)
    engine = connect(url)
    try:
        await fill(driver, bookings=bookings, now=system_clock())
        while await WeekCounter(engine, system_clock).count_due():
            pass
        await driver.execute("VACUUM ANALYZE")
        await driver.execute("CHECKPOINT")
    finally:
        await engine.dispose()
        await driver.close()


async def _forget_counts(url: str) -> None:
    driver = await asyncpg.connect(url)
    try:
        await driver.execute("DELETE FROM week_summaries")
    finally:
        await driver.close()
