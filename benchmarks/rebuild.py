"""B2: events a second when the whole log is replayed, and the memory that this takes.

`python -m benchmarks.rebuild apply URL` and `… check URL` run the measured rebuild in their own process.
"""

import sys
from asyncio.subprocess import Process
from datetime import UTC, datetime, timedelta
from time import perf_counter, process_time
from uuid import UUID

import asyncpg
import msgspec
import uvloop
from rich.progress import Progress, TaskID

from benchmarks.bodies import Sent, all_histories
from benchmarks.children import child, lines, ready
from benchmarks.environment import BenchmarkEnvironment, scalar
from benchmarks.processor_time import cpu_seconds_of_tree, peak_memory
from benchmarks.results import BenchmarkReport, Ratio
from showup.database.engine import connect
from showup.inbox import store
from showup.inbox.inbox_event import IncomingEvent
from showup.inbox.rebuild.options import RebuildOptions
from showup.inbox.rebuild.run import rebuild

_EVENTS_A_BOOKING = 4
_BOOKINGS_FULL, _BOOKINGS_QUICK = 50_000, 2_500
_SINCE = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)
_INGEST_BATCH = 500
_MOST_MEMORY_MB = 500.0
# The log as the applier leaves it, each event with the booking of its lead; the first rebuild creates the data.
_MARK_PROCESSED = """
    UPDATE inbox_events e SET state = 'applied', number = s.number, booking_id = s.booking_id
    FROM (
        SELECT id, number, first_value(id) OVER (PARTITION BY lead ORDER BY number) AS booking_id
        FROM (
            SELECT id, row_number() OVER (ORDER BY received_at, id) AS number,
                   coalesce(content #>> '{payload,attendees,0,email}', content #>> '{attendees,0,email}') AS lead
            FROM (SELECT id, received_at, convert_from(body, 'UTF8')::jsonb AS content FROM inbox_events) bodies
        ) numbered
    ) s WHERE s.id = e.id
"""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One rebuild. `replay_per_second` leaves out what follows the replay: comparing, and repairing.

    `*_us` are processor time an event, PostgreSQL's None where unknown; `peak_*_mb` are the process's, after a tenth of
    the replay and at its end.
    """

    mode: str
    events: int
    per_second: float
    replay_per_second: float
    process_us: float
    postgres_us: float | None
    peak_after_a_tenth_mb: float
    peak_mb: float


class RebuildResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of the process, printed at its end."""

    events: int
    differing: int
    seconds: float
    replay_seconds: float
    cpu_seconds: float
    peak_after_a_tenth_mb: float
    peak_mb: float


async def measure(environment: BenchmarkEnvironment, progress: Progress, *, quick: bool) -> BenchmarkReport:
    """Measures a rebuild that restores everything in empty tables, and one that finds no difference."""
    sent = all_histories(_BOOKINGS_QUICK if quick else _BOOKINGS_FULL, _SINCE)
    faults: list[str] = []
    async with environment.database() as url:
        await _ingest_log(url, sent, progress, progress.add_task("B2: storing a log", total=len(sent)))
        rows = [await _row(environment, progress, faults, mode, url, len(sent)) for mode in ("apply", "check")]
        if (found := await scalar(url, "SELECT count(*) FROM bookings")) != len(sent) // _EVENTS_A_BOOKING:
            faults.append(f"{found} bookings instead of {len(sent) // _EVENTS_A_BOOKING}")
    faults += [f"{row.mode}: {row.peak_mb:.0f} MB" for row in rows if row.peak_mb > _MOST_MEMORY_MB]
    check = rows[-1]
    return BenchmarkReport(
        name="b2-rebuild",
        title="B2: events of the log replayed a second",
        ratios=[
            Ratio(label="check / 3,500 a second", value=check.per_second / 3500, required=1.0),
            Ratio(label="replay alone / 3,500 a second", value=check.replay_per_second / 3500),
            Ratio(label="memory at the end / after a tenth", value=check.peak_mb / check.peak_after_a_tenth_mb),
        ],
        rows=[msgspec.to_builtins(row) for row in rows],
        faults=faults,
    )


async def _ingest_log(url: str, sent: list[Sent], progress: Progress, task: TaskID) -> None:
    driver = await asyncpg.connect(url)
    try:
        account = await driver.fetchrow("SELECT id, workspace_id FROM connections WHERE kind = 'calcom'")
        for offset in range(0, len(sent), _INGEST_BATCH):
            batch = [
                IncomingEvent(
                    account_id=account[0],
                    workspace_id=account[1],
                    body=one.body,
                    received_at=one.at + timedelta(seconds=1, microseconds=number),
                )
                for number, one in enumerate(sent[offset : offset + _INGEST_BATCH], start=offset)
            ]
            await store.insert_events(driver, batch)
            progress.update(task, advance=len(batch))
        await driver.execute(_MARK_PROCESSED)
        await driver.execute("VACUUM ANALYZE")
    finally:
        await driver.close()


async def _row(
    environment: BenchmarkEnvironment, progress: Progress, faults: list[str], mode: str, url: str, events: int
) -> Row:
    task = progress.add_task(f"B2: rebuild, {mode}", total=events)
    cpu_before = _postgres_cpu_seconds(environment)
    async with child("rebuild", mode, url) as process:
        result = await _read_result(process, progress, task)
    cpu_after = _postgres_cpu_seconds(environment)
    if (mode == "check") is bool(result.differing):
        faults.append(f"{mode}: {result.differing} rows differ")
    postgres_us = None if cpu_before is None or cpu_after is None else (cpu_after - cpu_before) / events * 1e6
    return Row(
        mode=mode,
        events=result.events,
        per_second=result.events / result.seconds,
        replay_per_second=result.events / result.replay_seconds,
        process_us=result.cpu_seconds / result.events * 1e6,
        postgres_us=postgres_us,
        peak_after_a_tenth_mb=result.peak_after_a_tenth_mb,
        peak_mb=result.peak_mb,
    )


async def _read_result(process: Process, progress: Progress, task: TaskID) -> RebuildResult:
    line = b""
    async for line in lines(process):
        if line[:1].isdigit():
            progress.update(task, completed=int(line))
    return msgspec.json.decode(line, type=RebuildResult)


def _postgres_cpu_seconds(environment: BenchmarkEnvironment) -> float | None:
    return None if environment.postmaster is None else cpu_seconds_of_tree(environment.postmaster)


class _ProgressWatch:
    """The progress of the replay, printed after each page, and its cost so far."""

    def __init__(self) -> None:
        self.started_at, self.cpu_before = perf_counter(), process_time()
        self.total = self.done = 0
        self.early_peak_mb = self.replay_seconds = 0.0

    def start(self, total: int) -> None:
        self.total, self.done = total, 0

    def report(self, step: int) -> None:
        self.done += step
        self.replay_seconds = perf_counter() - self.started_at
        if self.done <= max(self.total / 10, step):
            self.early_peak_mb = peak_memory()
        print(self.done, flush=True)


async def _rebuild(mode: str, url: str) -> None:
    driver = await asyncpg.connect(url)
    workspace_ids: list[UUID] = [row["id"] for row in await driver.fetch("SELECT id FROM workspaces")]
    await driver.close()
    engine = connect(url)
    ready()
    watch = _ProgressWatch()
    request = RebuildOptions(workspace_ids=workspace_ids, applied=mode == "apply")
    found = await rebuild(engine, request, on_start=watch.start, on_progress=watch.report)
    result = RebuildResult(
        events=found.events,
        differing=found.differing,
        seconds=perf_counter() - watch.started_at,
        replay_seconds=watch.replay_seconds,
        cpu_seconds=process_time() - watch.cpu_before,
        peak_after_a_tenth_mb=watch.early_peak_mb,
        peak_mb=peak_memory(),
    )
    await engine.dispose()
    print(msgspec.json.encode(result).decode(), flush=True)


def main() -> None:
    """Run the rebuild."""
    mode, url = sys.argv[1:]
    uvloop.run(_rebuild(mode, url))


if __name__ == "__main__":
    main()
