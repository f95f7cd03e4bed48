"""B8, live: from the sending of a webhook until an open page has changed, and what open tabs cost (CA7).

The page is Today, with one more meeting of today: a tab hears of the change on its stream and reads the part again, as
a browser does. What a browser adds, 20 ms to wait for further events and the time to draw, is not measured.
"""

import asyncio
import json
import math
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any, Final

import httpx2
import msgspec
from rich.progress import Progress

from benchmarks.bodies import SECRET, created
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.processor_time import cpu_seconds
from benchmarks.results import BenchmarkReport, Ratio
from benchmarks.running import RunningShowup, running_showup, sign_in
from showup.sources.calcom.signature import sign

_TABS: Final = 200
_TEAMMATES: Final = 5
_TIMEOUT: Final = 15.0
_REQUIRED_MS: Final = 1_000.0
_REQUIRED_SHARE: Final = 0.1


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How long to measure, in seconds, and how many other webhooks arrive each second meanwhile."""

    seconds: int
    rates: tuple[int, ...]


FULL, QUICK = Size(seconds=30, rates=(0, 20, 50)), Size(seconds=8, rates=(0, 20))


async def measure(environment: BenchmarkEnvironment, progress: Progress, *, quick: bool) -> BenchmarkReport:
    """Measures alone and beside other webhooks, then with many tabs open."""
    size = QUICK if quick else FULL
    task = progress.add_task("B8: live pages", total=len(size.rates) + 2)
    rows: list[dict[str, Any]] = []
    faults: list[str] = []
    async with environment.database() as url:
        cookies, starts = await sign_in(url, _TEAMMATES, datetime.now(UTC)), _meetings_of_today()
        async with running_showup(url) as showup:
            for rate in size.rates:
                tab = Tab(showup.address, cookies[0], starts)
                await tab.watch(size.seconds, rate)
                rows.append(_timing(f"page changed, {rate} other webhooks a second", tab.times))
                faults += tab.faults
                progress.advance(task)
            for label, changes in (("silence", 0), ("a change each second", size.seconds)):
                share = await _cost_of_tabs(showup, cookies, size.seconds, changes)
                rows.append(_row(f"{_TABS} tabs, {label}", share=share))
                progress.advance(task)
    return BenchmarkReport(name="b8-live", title="B8: live pages", ratios=_ratios(rows), rows=rows, faults=faults)


class Tab:
    """One open page and the webhooks that change it, one each second; `times` in seconds."""

    def __init__(self, address: str, cookies: dict[str, str], starts: Iterator[datetime]) -> None:
        """`starts`: when the meetings begin that it watches for."""
        self._starts = starts
        self.times: list[float] = []
        self.faults: list[str] = []
        self._number = 0
        self.client = httpx2.AsyncClient(base_url=address, cookies=cookies, timeout=_TIMEOUT)

    async def watch(self, seconds: int, rate: int) -> None:
        """Sends the webhooks that it watches for, and others of other days."""
        opened, changed = asyncio.Event(), asyncio.Event()
        async with self.client:
            listening = asyncio.create_task(_listen(self.client, opened, changed))
            # A change that comes before the stream is open is told to nobody.
            async with asyncio.timeout(_TIMEOUT):
                await opened.wait()
            others = asyncio.create_task(self._send_others(seconds, rate))
            # The first time, templates are compiled and statements prepared.
            await self._measure(f"First Person {rate}", changed)
            self.times.clear()
            for number in range(seconds):
                next_at = perf_counter() + 1.0
                await self._measure(f"Seen Person {rate} {number}", changed)
                await asyncio.sleep(max(0.0, next_at - perf_counter()))
            await others
            listening.cancel()

    async def _measure(self, name: str, changed: asyncio.Event) -> None:
        payload = json.loads(created(900_000 + hash(name) % 90_000, datetime.now(UTC)))
        start = next(self._starts)
        payload["payload"] |= {"startTime": start.isoformat(), "endTime": (start + timedelta(minutes=30)).isoformat()}
        payload["payload"]["attendees"][0]["name"] = name
        payload["payload"]["uid"] = name.replace(" ", "")
        payload["payload"]["responses"]["name"]["value"] = name
        changed.clear()
        sent_at = perf_counter()
        await self.post(json.dumps(payload).encode())
        while perf_counter() - sent_at < _TIMEOUT:
            async with asyncio.timeout(_TIMEOUT):
                await changed.wait()
            changed.clear()
            page = await self.client.get("/parts/today?who=team", headers={"HX-Request": "true"})
            if name in page.text:
                self.times.append(perf_counter() - sent_at)
                return
        self.faults.append(f"{name} did not appear")

    async def _send_others(self, seconds: int, rate: int) -> None:
        started_at = perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for number in range(seconds * rate):
                await asyncio.sleep(max(0.0, started_at + number / rate - perf_counter()))
                tasks.create_task(self.post(created(rate * 10_000 + number, datetime.now(UTC))))

    async def post(self, body: bytes) -> None:
        """Sends one webhook."""
        headers = {"X-Cal-Signature-256": sign(SECRET.encode(), body), "Content-Type": "application/json"}
        answer = await self.client.post("/webhooks/calcom", content=body, headers=headers)
        if answer.status_code != httpx2.codes.OK:
            self.faults.append(f"a webhook was answered with {answer.status_code}")


async def _listen(client: httpx2.AsyncClient, opened: asyncio.Event, changed: asyncio.Event) -> None:
    async with client.stream("GET", "/api/live", timeout=None) as response:
        async for line in response.aiter_lines():
            opened.set()
            if line.startswith("event: booking"):
                changed.set()


async def _cost_of_tabs(showup: RunningShowup, cookies: list[dict[str, str]], seconds: int, changes: int) -> float:
    """Returns the share of a core that the web process uses for so many open streams."""
    web = showup.child("web")
    async with AsyncExitStack() as stack:
        streams = []
        for number in range(_TABS):
            client = await stack.enter_async_context(
                httpx2.AsyncClient(base_url=showup.address, cookies=cookies[number % _TEAMMATES], timeout=_TIMEOUT)
            )
            streams.append(asyncio.create_task(_listen(client, asyncio.Event(), asyncio.Event())))
        await asyncio.sleep(3.0)
        before, started_at = cpu_seconds(web), perf_counter()
        assert before is not None, "the process runs"
        sender = Tab(showup.address, cookies[0], _meetings_of_today())
        async with sender.client:
            for number in range(changes):
                await sender.post(created(700_000 + number, datetime.now(UTC)))
                await asyncio.sleep(1.0)
        await asyncio.sleep(max(0.0, started_at + seconds - perf_counter()))
        after = cpu_seconds(web)
        for one in streams:
            one.cancel()
        await asyncio.gather(*streams, return_exceptions=True)
    assert after is not None, "the process still runs"
    return (after - before) / (perf_counter() - started_at)


def _meetings_of_today() -> Iterator[datetime]:
    """Yields when meetings begin, each before the last: Today shows the soonest ones and counts the rest."""
    now = datetime.now(UTC)
    end_of_today = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    # Shortly before midnight, today has no room for a meeting in the future: then it has begun.
    start = min(now + timedelta(minutes=90), end_of_today - timedelta(minutes=31))
    while True:
        yield start
        start -= timedelta(seconds=1)


def _timing(label: str, seconds: Sequence[float]) -> dict[str, Any]:
    ordered = sorted(1000 * one for one in seconds) or [math.inf]
    return _row(
        label,
        times=len(seconds),
        p50_ms=ordered[len(ordered) // 2],
        p95_ms=ordered[len(ordered) * 95 // 100],
        slowest_ms=ordered[-1],
    )


def _row(label: str, **figures: Any) -> dict[str, Any]:
    names = ("times", "p50_ms", "p95_ms", "slowest_ms", "share")
    return {"label": label} | {name: figures.get(name) for name in names}


def _ratios(rows: list[dict[str, Any]]) -> list[Ratio]:
    changed = [row for row in rows if row["p95_ms"] is not None]
    tabs = [row for row in rows if row["share"] is not None]
    return [
        *(
            Ratio(label=f"1 s / {row['label']}, p95", value=_REQUIRED_MS / row["p95_ms"], required=1.0)
            for row in changed
        ),
        *(
            Ratio(
                label=f"10 % of a core / {row['label']}", value=_REQUIRED_SHARE / max(row["share"], 1e-6), required=1.0
            )
            for row in tabs
        ),
    ]
