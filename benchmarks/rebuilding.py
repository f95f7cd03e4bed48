"""B2: events a second when the whole log is folded again, and the memory that this takes.

`python -m benchmarks.rebuilding apply URL` and `… check URL` are the rebuild as measured, in a process of its own.
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

from benchmarks.bodies import Sent, stories
from benchmarks.children import child, lines, ready
from benchmarks.ground import Ground, scalar
from benchmarks.processor_time import peak_memory, used_by_family
from benchmarks.results import Found, Ratio
from showup.database.engine import connect
from showup.inbox import store
from showup.inbox.raw_event import Incoming
from showup.inbox.rebuild.run import rebuild
from showup.inbox.rebuild.wish import Wish

_EVENTS_A_BOOKING = 4
_BOOKINGS_FULL, _BOOKINGS_QUICK = 50_000, 2_500
_SINCE = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)
_KEPT_AT_ONCE = 500
_MOST_MEMORY_MB = 500.0
# The log as the applier leaves it, each event with the booking of its lead: what stands is made by the first rebuild.
_SETTLE = """
    UPDATE calcom_events e SET state = 'applied', number = s.number, booking_id = s.booking_id
    FROM (
        SELECT id, number, first_value(id) OVER (PARTITION BY lead ORDER BY number) AS booking_id
        FROM (
            SELECT id, row_number() OVER (ORDER BY received_at, id) AS number,
                   coalesce(said #>> '{payload,attendees,0,email}', said #>> '{attendees,0,email}') AS lead
            FROM (SELECT id, received_at, convert_from(body, 'UTF8')::jsonb AS said FROM calcom_events) bodies
        ) numbered
    ) s WHERE s.id = e.id
"""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One rebuild. `fold_per_second` leaves out what comes after the fold: comparing, and putting in place.

    `*_us` are processor time an event, PostgreSQL's None where the system does not tell; `peak_*_mb` are the process's,
    after a tenth of the fold and at its end.
    """

    what: str
    events: int
    per_second: float
    fold_per_second: float
    process_us: float
    postgres_us: float | None
    peak_after_a_tenth_mb: float
    peak_mb: float


class Folded(msgspec.Struct, frozen=True, kw_only=True):
    """What the process tells at its end."""

    events: int
    differing: int
    seconds: float
    fold_seconds: float
    cpu_seconds: float
    peak_after_a_tenth_mb: float
    peak_mb: float


async def measure(ground: Ground, progress: Progress, *, quick: bool) -> Found:
    """A rebuild that puts everything in place where nothing stands, and one that finds no difference."""
    sent = stories(_BOOKINGS_QUICK if quick else _BOOKINGS_FULL, _SINCE)
    faults: list[str] = []
    async with ground.database() as url:
        await _keep(url, sent, progress, progress.add_task("B2: keeping a log", total=len(sent)))
        rows = [await _row(ground, progress, faults, what, url, len(sent)) for what in ("apply", "check")]
        if (found := await scalar(url, "SELECT count(*) FROM bookings")) != len(sent) // _EVENTS_A_BOOKING:
            faults.append(f"{found} bookings instead of {len(sent) // _EVENTS_A_BOOKING}")
    faults += [f"{row.what}: {row.peak_mb:.0f} MB" for row in rows if row.peak_mb > _MOST_MEMORY_MB]
    check = rows[-1]
    return Found(
        name="b2-rebuild",
        title="B2: events of the log folded again a second",
        ratios=[
            Ratio(what="check / 3,500 a second", found=check.per_second / 3500, wanted=1.0),
            Ratio(what="fold alone / 3,500 a second", found=check.fold_per_second / 3500),
            Ratio(what="memory at the end / after a tenth", found=check.peak_mb / check.peak_after_a_tenth_mb),
        ],
        rows=[msgspec.to_builtins(row) for row in rows],
        faults=faults,
    )


async def _keep(url: str, sent: list[Sent], progress: Progress, task: TaskID) -> None:
    driver = await asyncpg.connect(url)
    try:
        account = await driver.fetchrow("SELECT id, workspace_id FROM connections WHERE kind = 'calcom'")
        for place in range(0, len(sent), _KEPT_AT_ONCE):
            some = [
                Incoming(
                    account_id=account[0],
                    workspace_id=account[1],
                    body=one.body,
                    received_at=one.at + timedelta(seconds=1, microseconds=number),
                )
                for number, one in enumerate(sent[place : place + _KEPT_AT_ONCE], start=place)
            ]
            await store.keep_all(driver, some)
            progress.update(task, advance=len(some))
        await driver.execute(_SETTLE)
        await driver.execute("VACUUM ANALYZE")
    finally:
        await driver.close()


async def _row(ground: Ground, progress: Progress, faults: list[str], what: str, url: str, events: int) -> Row:
    task = progress.add_task(f"B2: rebuild, {what}", total=events)
    used = _used_below(ground)
    async with child("rebuilding", what, url) as process:
        told = await _told(process, progress, task)
    used_after = _used_below(ground)
    if (what == "check") is bool(told.differing):
        faults.append(f"{what}: {told.differing} rows differ")
    below = None if used is None or used_after is None else (used_after - used) / events * 1e6
    return Row(
        what=what,
        events=told.events,
        per_second=told.events / told.seconds,
        fold_per_second=told.events / told.fold_seconds,
        process_us=told.cpu_seconds / told.events * 1e6,
        postgres_us=below,
        peak_after_a_tenth_mb=told.peak_after_a_tenth_mb,
        peak_mb=told.peak_mb,
    )


async def _told(process: Process, progress: Progress, task: TaskID) -> Folded:
    line = b""
    async for line in lines(process):
        if line[:1].isdigit():
            progress.update(task, completed=int(line))
    return msgspec.json.decode(line, type=Folded)


def _used_below(ground: Ground) -> float | None:
    return None if ground.postmaster is None else used_by_family(ground.postmaster)


class _Watch:
    """How far the fold is, printed after each page, and what it had taken by then."""

    def __init__(self) -> None:
        self.begun, self.used = perf_counter(), process_time()
        self.total = self.done = 0
        self.early_mb = self.folded_for = 0.0

    def begin(self, total: int) -> None:
        self.total, self.done = total, 0

    def tell(self, step: int) -> None:
        self.done += step
        self.folded_for = perf_counter() - self.begun
        if self.done <= max(self.total / 10, step):
            self.early_mb = peak_memory()
        print(self.done, flush=True)


async def _rebuild(what: str, url: str) -> None:
    driver = await asyncpg.connect(url)
    workspace_ids: list[UUID] = [row["id"] for row in await driver.fetch("SELECT id FROM workspaces")]
    await driver.close()
    engine = connect(url)
    ready()
    watch = _Watch()
    wish = Wish(workspace_ids=workspace_ids, applied=what == "apply")
    found = await rebuild(engine, wish, begun=watch.begin, told=watch.tell)
    told = Folded(
        events=found.events,
        differing=found.differing,
        seconds=perf_counter() - watch.begun,
        fold_seconds=watch.folded_for,
        cpu_seconds=process_time() - watch.used,
        peak_after_a_tenth_mb=watch.early_mb,
        peak_mb=peak_memory(),
    )
    await engine.dispose()
    print(msgspec.json.encode(told).decode(), flush=True)


def main() -> None:
    """Rebuild."""
    what, url = sys.argv[1:]
    uvloop.run(_rebuild(what, url))


if __name__ == "__main__":
    main()
