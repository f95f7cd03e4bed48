"""B8: how long the dashboard's pages take, and how many bytes they have, by how many bookings there are.

Each page of `PAGES` is asked for by a signed-in teammate, one request after the other, on one web process with a warm
database. Its clock stands where the data ends. `packed` is the size that a proxy with gzip sends.
"""

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Final

import asyncpg
import httpx2
import msgspec
from rich.progress import Progress

from benchmarks.children import child
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.processor_time import cpu_seconds
from benchmarks.read_data import NOW, insert_workspace
from benchmarks.results import BenchmarkReport, Ratio
from benchmarks.running import sign_in

_FULL, _QUICK = (100_000, 1_000_000), (10_000,)
_TIMES, _MOST_SECONDS = 30, 10.0
_TARGET_MS: Final = 150.0
# What design allows for the HTML of one page.
_TARGET_KB: Final = 12.0

PAGES: Final[Mapping[str, Callable[[Mapping[str, str]], str]]] = {
    "Today": lambda _: "/?who=team",
    "Today, part": lambda _: "/parts/today?who=team",
    "Meetings without a report": lambda _: "/outcomes?who=team",
    "Outcome": lambda ids: f"/outcome/{ids['booking']}",
    "Teammates": lambda _: "/settings/teammates",
    "First run": lambda _: "/setup",
    "Find, a common word": lambda _: "/search?q=pe",
    "Find, a rare word": lambda _: "/search?q=person1234",
    "Find, nothing": lambda _: "/search?q=zebra",
}
"""By name, the path of each page; it may contain the id of a `booking` or a `deal`. A new page belongs here."""

_IDS: Final = """
    SELECT id::text AS booking, deal_id::text AS deal FROM bookings
    WHERE status = 'ACCEPTED' AND deal_id IS NOT NULL AND start_time < $1 ORDER BY start_time DESC LIMIT 1
"""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One page at one size. Times in milliseconds; `web_ms` is processor time for each request, None where unknown."""

    page: str
    bookings: int
    times: int
    p50_ms: float
    p95_ms: float
    web_ms: float | None
    bytes: int
    packed: int


async def measure(environment: BenchmarkEnvironment, progress: Progress, *, quick: bool) -> BenchmarkReport:
    """Measures each page at each size, each size in a database of its own."""
    sizes = _QUICK if quick else _FULL
    task = progress.add_task("B8: pages", total=len(sizes) * (len(PAGES) + 1))
    rows: list[Row] = []
    faults: list[str] = []
    for bookings in sizes:
        async with environment.database() as url:
            ids, cookies = await _fill(url, bookings)
            progress.advance(task)
            async with _visitor(url, cookies) as (client, pid):
                for page, path_of in PAGES.items():
                    row, status = await _ask(client, pid, page, path_of(ids), bookings)
                    rows.append(row)
                    if status != httpx2.codes.OK:
                        faults.append(f"{page} at {bookings:,}: {status}")
                    progress.advance(task)
    return BenchmarkReport(
        name="b8",
        title="B8: pages of the dashboard, by how many bookings there are",
        ratios=_ratios(rows, sizes[-1]),
        rows=[msgspec.to_builtins(row) for row in rows],
        faults=faults,
    )


def _ratios(rows: list[Row], bookings: int) -> list[Ratio]:
    last = [row for row in rows if row.bookings == bookings]
    ratios = [
        Ratio(label=f"{_TARGET_MS:.0f} ms / {row.page}, p95, {bookings:,}", value=_TARGET_MS / row.p95_ms, required=1.0)
        for row in last
    ]
    largest = max(last, key=lambda row: row.packed)
    return [
        *ratios,
        Ratio(
            label=f"{_TARGET_KB:.0f} KB / {largest.page}, packed",
            value=_TARGET_KB * 1000 / largest.packed,
            required=1.0,
        ),
    ]


async def _fill(url: str, bookings: int) -> tuple[dict[str, str], dict[str, str]]:
    """Returns ids for paths, and a teammate's cookies."""
    driver = await asyncpg.connect(url)
    try:
        await insert_workspace(driver, bookings)
        await driver.execute("CHECKPOINT")
        ids = dict(await driver.fetchrow(_IDS, NOW))
    finally:
        await driver.close()
    return ids, (await sign_in(url, 1, NOW))[0]


@asynccontextmanager
async def _visitor(url: str, cookies: dict[str, str]) -> AsyncIterator[tuple[httpx2.AsyncClient, int]]:
    """Starts a web process over this database; yields a client of it with the cookies, and its process id."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with (
            child("servers", "pages", str(listener.fileno()), url, fds=(listener.fileno(),)) as server,
            httpx2.AsyncClient(base_url=address, timeout=120) as client,
        ):
            client.cookies.update(cookies)
            yield client, server.pid


async def _ask(client: httpx2.AsyncClient, pid: int, page: str, path: str, bookings: int) -> tuple[Row, int]:
    """Asks twice without measuring, then at most so many times or so long."""
    await client.get(path)
    answer = await client.get(path)
    timings: list[float] = []
    before, started_at = cpu_seconds(pid), perf_counter()
    while len(timings) < _TIMES and perf_counter() - started_at < _MOST_SECONDS:
        asked_at = perf_counter()
        answer = await client.get(path)
        timings.append(1000 * (perf_counter() - asked_at))
    after = cpu_seconds(pid)
    timings.sort()
    row = Row(
        page=page,
        bookings=bookings,
        times=len(timings),
        p50_ms=timings[len(timings) // 2],
        p95_ms=timings[len(timings) * 95 // 100],
        web_ms=None if before is None or after is None else 1000 * (after - before) / len(timings),
        bytes=len(answer.content),
        packed=len(await asyncio.to_thread(gzip.compress, answer.content, 6)),
    )
    return row, answer.status_code
