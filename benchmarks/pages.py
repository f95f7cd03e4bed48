"""B8: how long the dashboard's pages take, and how many bytes they have, by how many bookings there are.

Each page of `page_paths` is asked for by a signed-in teammate, one request after the other, on one web process with a
warm database. Its clock stands where the data end. `packed` is the size that a proxy with gzip sends. At the largest
size, Lighthouse opens the pages in a browser: see `lighthouse`.
"""

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Any, Final

import httpx2
import msgspec
from rich.progress import Progress

from benchmarks import lighthouse
from benchmarks.children import child
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.page_paths import LIGHTHOUSE_PAGES, PAGES, page_paths
from benchmarks.processor_time import cpu_seconds, cpu_seconds_of_tree
from benchmarks.read_data import NOW
from benchmarks.results import BenchmarkReport, Ratio
from benchmarks.running import sign_in

_FULL, _QUICK = (10_000, 100_000, 1_000_000), (1_000, 10_000)
_TIMES, _MOST_SECONDS = 50, 10.0
_TARGET_MS: Final = 150.0
_TARGET_SCORE: Final = 95.0
# What the design allows for the HTML of one page.
_TARGET_KB: Final = 12.0


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One page at one size. Times in milliseconds.

    `web_ms` and `postgres_ms` are processor time for each request, None where unknown.
    """

    page: str
    bookings: int
    times: int
    p50_ms: float
    p99_ms: float
    web_ms: float | None
    postgres_ms: float | None
    bytes: int
    packed: int


async def measure(environment: BenchmarkEnvironment, progress: Progress, *, quick: bool) -> BenchmarkReport:
    """Measures each page at each size."""
    sizes = _QUICK if quick else _FULL
    task = progress.add_task("B8: pages", total=len(sizes) * (len(PAGES) + 1))
    rows: list[Row] = []
    faults: list[str] = []
    for bookings in sizes:
        url = await environment.filled_database(bookings)
        paths, cookies = await page_paths(url), (await sign_in(url, 1, NOW))[0]
        progress.advance(task)
        async with _visitor(url, cookies) as (client, pid):
            for page, path in paths.items():
                row, status = await _ask(client, (pid, environment.postmaster), page, path, bookings)
                rows.append(row)
                if status != httpx2.codes.OK:
                    faults.append(f"{page} at {bookings:,}: {status}")
                progress.advance(task)
    return BenchmarkReport(
        name="b8",
        title="B8: pages of the dashboard, by how many bookings there are",
        ratios=_ratios(rows, sizes),
        rows=[msgspec.to_builtins(row) for row in rows],
        faults=faults,
    )


async def measure_in_browser(environment: BenchmarkEnvironment, progress: Progress, *, quick: bool) -> BenchmarkReport:
    """Lets Lighthouse score the pages, on a desktop and on a phone; without Node or Chromium it says so."""
    bookings = (_QUICK if quick else _FULL)[-1]
    url = await environment.filled_database(bookings)
    paths, cookies = await page_paths(url), (await sign_in(url, 1, NOW))[0]
    task = progress.add_task("B8: Lighthouse", total=len(LIGHTHOUSE_PAGES) * len(lighthouse.PRESETS) + 1)
    rows: list[dict[str, Any]] = []
    faults: list[str] = []
    skipped = None
    try:
        async with lighthouse.installed() as browser, _visitor(url, cookies) as (client, _):
            progress.advance(task)
            for page in LIGHTHOUSE_PAGES:
                for preset in lighthouse.PRESETS:
                    found = await browser.score(str(client.base_url.join(paths[page])), preset, cookies)
                    rows.append({"page": page, "preset": preset, **found.figures})
                    faults += [f"{page}, {preset}: {one}" for one in found.faults]
                    progress.advance(task)
    except lighthouse.Unavailable as reason:
        skipped = str(reason)
    return BenchmarkReport(
        name="b8-lighthouse",
        title=f"B8: Lighthouse {lighthouse.VERSION}, {bookings:,} bookings",
        ratios=_lowest_scores(rows),
        rows=rows,
        faults=faults,
        skipped=skipped,
    )


def _ratios(rows: list[Row], sizes: tuple[int, ...]) -> list[Ratio]:
    found = {(row.page, row.bookings): row for row in rows}
    ratios = []
    for page in PAGES:
        *_, before, last = (found[page, size] for size in sizes)
        ratios.append(
            Ratio(
                label=f"{_TARGET_MS:.0f} ms / {page}, p99, {last.bookings:,}",
                value=_TARGET_MS / last.p99_ms,
                required=1.0,
            )
        )
        growth = last.p50_ms / before.p50_ms
        ratios.append(Ratio(label=f"{page}: p50 at {last.bookings:,} / {before.bookings:,}", value=growth))
    largest = max((row for row in rows if row.bookings == sizes[-1]), key=lambda row: row.packed)
    label = f"{_TARGET_KB:.0f} KB / {largest.page}, packed"
    return [*ratios, Ratio(label=label, value=_TARGET_KB * 1000 / largest.packed, required=1.0)]


def _lowest_scores(rows: list[dict[str, Any]]) -> list[Ratio]:
    ratios = []
    for preset in lighthouse.PRESETS:
        for category in lighthouse.CATEGORIES:
            scored = [row for row in rows if row["preset"] == preset and row[category] is not None]
            if scored:
                lowest = min(scored, key=lambda row: row[category])
                label = f"{lowest['page']}, {preset}, {category} / {_TARGET_SCORE:.0f} (lowest)"
                ratios.append(Ratio(label=label, value=lowest[category] / _TARGET_SCORE, required=1.0))
    return ratios


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


async def _ask(
    client: httpx2.AsyncClient, pids: tuple[int, int | None], page: str, path: str, bookings: int
) -> tuple[Row, int]:
    """Asks twice without measuring, then at most so many times or so long. `pids`: web process and postmaster."""
    await client.get(path)
    answer = await client.get(path)
    timings: list[float] = []
    before, started_at = _cpu(*pids), perf_counter()
    while len(timings) < _TIMES and perf_counter() - started_at < _MOST_SECONDS:
        asked_at = perf_counter()
        answer = await client.get(path)
        timings.append(1000 * (perf_counter() - asked_at))
    web, postgres = (
        None if first is None or last is None else 1000 * (last - first) / len(timings)
        for first, last in zip(before, _cpu(*pids), strict=True)
    )
    timings.sort()
    row = Row(
        page=page,
        bookings=bookings,
        times=len(timings),
        p50_ms=timings[len(timings) // 2],
        p99_ms=timings[len(timings) * 99 // 100],
        web_ms=web,
        postgres_ms=postgres,
        bytes=len(answer.content),
        packed=len(await asyncio.to_thread(gzip.compress, answer.content, 6)),
    )
    return row, answer.status_code


def _cpu(web: int, postmaster: int | None) -> tuple[float | None, float | None]:
    return cpu_seconds(web), None if postmaster is None else cpu_seconds_of_tree(postmaster)
