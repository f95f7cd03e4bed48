"""B5: how long the API's reads take, and how that grows with the bookings.

Each question is asked over HTTP, one request after the other, to one web process with a warm database. Beside them is
the floor: a read of one row, which has the same way through server, key and transaction.
"""

import socket
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from hashlib import md5
from time import perf_counter
from typing import Final
from uuid import UUID

import httpx2
import msgspec
from rich.progress import Progress

from benchmarks.children import child
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.processor_time import cpu_seconds, cpu_seconds_of_tree
from benchmarks.results import BenchmarkReport, Ratio
from benchmarks.servers import API_KEY

_FULL, _QUICK = (10_000, 100_000, 1_000_000), (1_000, 10_000)
_TIMES, _MOST_SECONDS = 100, 15.0
_FLOOR: Final = "floor"
_QUARTER: Final = "from=2026-07-01&to=2026-10-01"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A read; `path` makes the n-th request, for a database with that many bookings. `target_ms`: of the p99."""

    label: str
    target_ms: float
    path: Callable[[int, int], str]


def _same(path: str) -> Callable[[int, int], str]:
    return lambda _number, _bookings: path


def _id(kind: str, number: int) -> UUID:
    # As the statements of `read_rows` derive them.
    return UUID(bytes=md5(f"{kind}{number}".encode(), usedforsecurity=False).digest())


_QUESTIONS: Final = (
    Question(label=_FLOOR, target_ms=25, path=_same("/api/workspaces")),
    Question(label="list", target_ms=25, path=_same("/api/bookings")),
    Question(
        label="list, page in the middle",
        target_ms=25,
        path=lambda number, _: f"/api/bookings?to=2025-{1 + number % 12:02}-15",
    ),
    Question(
        label="filter",
        target_ms=25,
        path=lambda number, _: f"/api/bookings?attended=false&organizer=host{number % 20}@outbound.example",
    ),
    Question(label="deals by amount", target_ms=25, path=_same("/api/deals?status=active&sort=-amount")),
    Question(
        label="search, one person",
        target_ms=25,
        path=lambda number, bookings: f"/api/bookings?q=number{number * 7919 % bookings}",
    ),
    Question(label="search, a word that all have", target_ms=25, path=_same("/api/bookings?q=intro")),
    Question(
        label="detail of a booking",
        target_ms=25,
        path=lambda number, bookings: f"/api/bookings/{_id('booking', 1 + number * 7919 % bookings)}",
    ),
    Question(
        label="detail of a deal",
        target_ms=25,
        # The companies of these numbers have a booking at any size.
        path=lambda number, bookings: f"/api/deals/{_id('deal', 1 + 5 * (number * 7919 % (bookings * 3 // 50)))}",
    ),
    Question(label="stats", target_ms=100, path=_same("/api/stats")),
    Question(label="stats of a quarter", target_ms=100, path=_same(f"/api/stats?{_QUARTER}")),
    Question(label="funnel", target_ms=100, path=_same("/api/funnel")),
    Question(label="funnel by campaign", target_ms=100, path=_same("/api/funnel?group_by=campaign")),
    Question(
        label="funnel of a quarter by campaign, step, sender",
        target_ms=100,
        path=_same(f"/api/funnel?group_by=campaign,step,sender&{_QUARTER}"),
    ),
    Question(
        label="funnel of one campaign",
        target_ms=100,
        path=lambda number, _: f"/api/funnel?campaign_id={1_000_000_000 + number % 50}",
    ),
    Question(
        label="a client's bookings of a month",
        target_ms=100,
        path=_same("/api/clients/default/bookings?from=2026-09-01&to=2026-10-01&limit=200"),
    ),
)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One question at one size; times in milliseconds. `web_ms` and `postgres_ms` are processor time for each request.

    The last two are None where unknown.
    """

    label: str
    bookings: int
    times: int
    p50_ms: float
    p99_ms: float
    web_ms: float | None
    postgres_ms: float | None
    target_ms: float
    bytes: int


async def measure(environment: BenchmarkEnvironment, progress: Progress, *, quick: bool) -> BenchmarkReport:
    """Measures each question at each size."""
    sizes = _QUICK if quick else _FULL
    task = progress.add_task("B5: reads", total=len(sizes) * (len(_QUESTIONS) + 1))
    rows: list[Row] = []
    faults: list[str] = []
    for bookings in sizes:
        url = await environment.filled_database(bookings)
        progress.advance(task)
        async with open_reader(url, environment.postmaster) as reader:
            rows += await reader.ask_all(_QUESTIONS, bookings, lambda: progress.advance(task))
            faults += reader.faults
    return BenchmarkReport(
        name="b5",
        title="B5: reads, by how many bookings there are",
        ratios=_ratios(rows, sizes),
        rows=[msgspec.to_builtins(row) for row in rows],
        faults=faults,
    )


def _ratios(rows: list[Row], sizes: tuple[int, ...]) -> list[Ratio]:
    found = {(row.label, row.bookings): row for row in rows}
    ratios: list[Ratio] = []
    for question in _QUESTIONS:
        *_, before, last = (found[question.label, size] for size in sizes)
        reached = Ratio(
            label=f"{question.target_ms:.0f} ms / {question.label}, p99, {last.bookings:,}",
            value=question.target_ms / last.p99_ms,
            required=None if question.label == _FLOOR else 1.0,
        )
        growth = Ratio(
            label=f"{question.label}: p50 at {last.bookings:,} / {before.bookings:,}", value=last.p50_ms / before.p50_ms
        )
        ratios += [reached, growth]
    return ratios


class Reader:
    """A client of one web process, with the processor time that a request takes there and in PostgreSQL."""

    def __init__(self, client: httpx2.AsyncClient, pid: int, postmaster: int | None) -> None:
        self.faults: list[str] = []
        self._client, self._pid, self._postmaster = client, pid, postmaster

    async def ask_all(self, questions: Iterable[Question], bookings: int, on_answer: Callable[[], None]) -> list[Row]:
        """Asks these questions; `on_answer` is called after each."""
        rows = []
        for question in questions:
            rows.append(await self.ask(question, bookings))
            on_answer()
        return rows

    async def ask(self, question: Question, bookings: int) -> Row:
        """Asks twice without measuring, then at most so many times or so long."""
        for number in range(2):
            await self._get(question, number, bookings)
        timings: list[float] = []
        size = 0
        before, started_at = self._cpu(), perf_counter()
        while len(timings) < _TIMES and perf_counter() - started_at < _MOST_SECONDS:
            asked_at = perf_counter()
            size = await self._get(question, 2 + len(timings), bookings)
            timings.append(1000 * (perf_counter() - asked_at))
        web, postgres = (
            None if first is None or last is None else 1000 * (last - first) / len(timings)
            for first, last in zip(before, self._cpu(), strict=True)
        )
        timings.sort()
        return Row(
            label=question.label,
            bookings=bookings,
            times=len(timings),
            p50_ms=timings[len(timings) // 2],
            p99_ms=timings[len(timings) * 99 // 100],
            web_ms=web,
            postgres_ms=postgres,
            target_ms=question.target_ms,
            bytes=size,
        )

    async def _get(self, question: Question, number: int, bookings: int) -> int:
        """Returns the size of the answer."""
        path = question.path(number, bookings)
        # As a key of one workspace, or the dashboard.
        answer = await self._client.get(f"{path}{'&' if '?' in path else '?'}workspace=default")
        if answer.status_code != httpx2.codes.OK:
            self.faults.append(f"{question.label} at {bookings:,}: {answer.status_code}")
        return len(answer.content)

    def _cpu(self) -> tuple[float | None, float | None]:
        return cpu_seconds(self._pid), None if self._postmaster is None else cpu_seconds_of_tree(self._postmaster)


@asynccontextmanager
async def open_reader(url: str, postmaster: int | None) -> AsyncIterator[Reader]:
    """Starts a web process over this database, and yields a client of it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        headers = {"Authorization": f"Bearer {API_KEY}"}
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with (
            child("servers", "api", str(listener.fileno()), url, fds=(listener.fileno(),)) as server,
            httpx2.AsyncClient(base_url=address, headers=headers, timeout=120) as client,
        ):
            yield Reader(client, server.pid, postmaster)
