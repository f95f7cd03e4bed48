"""B2: events applied a second by one worker, in order and shuffled, against one transaction an event."""

import random
from asyncio.subprocess import Process
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import asyncpg
import msgspec
from rich.progress import Progress, TaskID

from benchmarks.bodies import Sent, stories
from benchmarks.children import child, lines
from benchmarks.ground import Ground, scalar
from benchmarks.processor_time import used_by_family
from benchmarks.results import Found, Ratio
from benchmarks.worker import Worked
from showup.inbox import store
from showup.inbox.raw_event import Incoming

_EVENTS_A_BOOKING = 4
_SINCE = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)
_KEPT_AT_ONCE = 500
_MOST_MEMORY_MB = 500.0
_ACCOUNT = "SELECT id, workspace_id FROM connections WHERE kind = 'calcom'"
_OF_EVENTS = {
    "applied events": "SELECT count(*) FROM calcom_events WHERE state = 'applied' AND because IS NULL",
    "events in the feed": "SELECT count(DISTINCT number) FROM calcom_events",
}


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How many bookings for batches, and for one transaction an event."""

    bookings: int
    one_by_one: int


FULL = Size(bookings=25_000, one_by_one=2_000)
QUICK = Size(bookings=2_000, one_by_one=250)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement. The first and last tenth tell how the rate changes as tables grow.

    `worker_us` and `postgres_us` are processor time an event; None where the system does not tell.
    """

    how: str
    events: int
    per_second: float
    first_tenth_per_second: float
    last_tenth_per_second: float
    slowest_batch_ms: float
    peak_mb: float
    worker_us: float
    postgres_us: float | None


async def measure(ground: Ground, progress: Progress, *, quick: bool) -> Found:
    """In order, shuffled, and one by one, each in a database of its own."""
    size = QUICK if quick else FULL
    in_order = stories(size.bookings, _SINCE)
    shuffled = random.Random("shuffled").sample(in_order, len(in_order))
    few = stories(size.one_by_one, _SINCE)
    faults: list[str] = []
    rows = [
        await _row(ground, progress, faults, ("batches", "in order"), in_order),
        await _row(ground, progress, faults, ("batches", "shuffled"), shuffled),
        await _row(ground, progress, faults, ("one-by-one", "in order"), few),
    ]
    faults += [f"{one.how}: {one.peak_mb:.0f} MB" for one in rows if one.peak_mb > _MOST_MEMORY_MB]
    return Found(
        name="b2",
        title="B2: events applied a second by one worker",
        ratios=_ratios(*rows),
        rows=[msgspec.to_builtins(row) for row in rows],
        faults=faults,
    )


def _ratios(batches: Row, shuffled: Row, one_by_one: Row) -> list[Ratio]:
    return [
        Ratio(what="batches / one transaction an event", found=batches.per_second / one_by_one.per_second, wanted=3.0),
        Ratio(what="batches / 2,000 a second", found=batches.per_second / 2000, wanted=1.0),
        Ratio(what="shuffled / in order", found=shuffled.per_second / batches.per_second),
        Ratio(
            what="last tenth / first tenth of the batches",
            found=batches.last_tenth_per_second / batches.first_tenth_per_second,
        ),
    ]


async def _row(
    ground: Ground, progress: Progress, faults: list[str], what: tuple[str, str], arrivals: Sequence[Sent]
) -> Row:
    how, order = what
    async with ground.database() as url:
        task = progress.add_task(f"B2: keeping, {order}", total=len(arrivals))
        await keep(url, arrivals, progress, task)
        task = progress.add_task(f"B2: applying {how}, {order}", total=len(arrivals))
        used = used_below_postmaster(ground)
        async with child("worker", how, url) as process:
            worked = await _worked(process, progress, task)
        used_after = used_below_postmaster(ground)
        faults += await _wrong(url, f"{how}, {order}", len(arrivals))
    below = None if used is None or used_after is None else (used_after - used) / len(arrivals) * 1e6
    return _measured(f"{how}, {order}", len(arrivals), worked, below)


def _measured(how: str, events: int, worked: Worked, postgres_us: float | None) -> Row:
    marks = [(0.0, 0), *worked.done_at]
    first = next(mark for mark in marks if mark[1] >= events / 10)
    last = next(mark for mark in reversed(marks) if mark[1] <= events - events / 10)
    return Row(
        how=how,
        events=events,
        per_second=events / worked.seconds,
        first_tenth_per_second=first[1] / first[0],
        last_tenth_per_second=(events - last[1]) / (worked.seconds - last[0]),
        slowest_batch_ms=max(after[0] - before[0] for before, after in pairwise(marks)) * 1000,
        peak_mb=worked.peak_mb,
        worker_us=worked.cpu_seconds / events * 1e6,
        postgres_us=postgres_us,
    )


async def keep(url: str, arrivals: Sequence[Sent], progress: Progress, task: TaskID) -> None:
    """Keeps the bodies in this order, as the door would have; each is received after all that came before it."""
    driver = await asyncpg.connect(url)
    try:
        account = await driver.fetchrow(_ACCOUNT)
        received_at = arrivals[0].at
        for place in range(0, len(arrivals), _KEPT_AT_ONCE):
            some: list[Incoming] = []
            for sent in arrivals[place : place + _KEPT_AT_ONCE]:
                received_at = max(received_at + timedelta(milliseconds=1), sent.at + timedelta(seconds=1))
                some.append(
                    Incoming(account_id=account[0], workspace_id=account[1], body=sent.body, received_at=received_at)
                )
            await store.keep_all(driver, some)
            progress.update(task, advance=len(some))
    finally:
        await driver.close()


async def _worked(process: Process, progress: Progress, task: TaskID) -> Worked:
    """What the worker tells at its end; on its way it prints how far it is."""
    line = b""
    async for line in lines(process):
        if line[:1].isdigit():
            progress.update(task, completed=int(line))
    return msgspec.json.decode(line, type=Worked)


async def _wrong(url: str, how: str, events: int) -> list[str]:
    """How what stands differs from what was sent."""
    wanted = [(name, query, events) for name, query in _OF_EVENTS.items()]
    wanted.append(("bookings", "SELECT count(*) FROM bookings", events // _EVENTS_A_BOOKING))
    found = [(name, await scalar(url, query), right) for name, query, right in wanted]
    return [f"{how}: {count} {name} instead of {right}" for name, count, right in found if count != right]


def used_below_postmaster(ground: Ground) -> float | None:
    """Seconds of processor time that PostgreSQL has used so far; None where the system does not tell."""
    return None if ground.postmaster is None else used_by_family(ground.postmaster)
