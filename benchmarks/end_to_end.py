"""B3: from the sending of a webhook until the API returns its deal, while 200 webhooks a second arrive.

The database is one that has run for a while: it has bookings, and PostgreSQL has counted its tables once.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from time import perf_counter
from typing import Self

import asyncpg
import httpx2
import msgspec
from rich.progress import Progress

from benchmarks.bodies import SECRET, created
from benchmarks.environment import BenchmarkEnvironment, scalar
from benchmarks.results import BenchmarkReport, Ratio
from benchmarks.running import API_KEY, running_showup
from showup.access import accounts_store, workspaces_store
from showup.access.secrets_at_rest import Seal
from showup.database.engine import connect, transaction
from showup.inbox import store
from showup.inbox.inbox_event import IncomingEvent
from showup.sources.calcom.signature import sign

_RATE = 200
# Reading every deal, or asking for one without a pause, would be more work for the server than the webhooks are: the
# later a deal, the more readers would wait for it, and the later the next one.
_PROBE_EVERY = 20
_POLL_INTERVAL = 0.01
_EARLIER = 2_000
_EARLIER_AT_ONCE = 100
_TIMEOUT = 30.0
_OTHERS_FIRST = 10_000_000
_INGEST_BATCH = 500
_REQUIRED_MS = {"p50": 30.0, "p99": 250.0}
_STILL_WAITING = "SELECT count(*) FROM inbox_events WHERE state = 'pending'"
_STILL_DUE = "SELECT count(*) FROM deliveries WHERE state IN ('scheduled', 'sending') AND due_at < now()"


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How long to measure, and how many events of another workspace the applier has to apply meanwhile."""

    seconds: int
    backlog: int


FULL = Size(seconds=30, backlog=60_000)
QUICK = Size(seconds=8, backlog=12_000)


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement, in milliseconds; `backlog_left`: the other workspace's events that are pending at its end."""

    label: str
    times: int
    p50_ms: float
    p99_ms: float
    slowest_ms: float
    backlog_left: int | None = None


async def measure(environment: BenchmarkEnvironment, progress: Progress, *, quick: bool) -> BenchmarkReport:
    """Measures with an idle applier, and with one that is busy with another workspace's events."""
    size = QUICK if quick else FULL
    task = progress.add_task("B3: from webhook to deal", total=2)
    rows: list[Timing] = []
    faults: list[str] = []
    for condition, backlog in (("", 0), (", applier busy", size.backlog)):
        async with (
            environment.database() as url,
            running_showup(url) as showup,
            LoadClient(showup.address) as load_client,
        ):
            await load_client.send_earlier()
            await _wait_until_idle(url)
            await _ingest_backlog(url, backlog)
            await load_client.send_all(size.seconds)
            remaining = await scalar(url, _STILL_WAITING) if backlog else None
            rows += [
                _timing(f"answered{condition}", load_client.response_times),
                _timing(f"read of existing deals{condition}", load_client.read_times),
                _timing(f"floor: answered, then read{condition}", load_client.floor),
                _timing(f"deal readable{condition}", load_client.deal_times, remaining),
            ]
            faults += [f"{fault}{condition}" for fault in load_client.faults()]
        progress.advance(task)
    return _found(rows, faults)


def _found(rows: list[Timing], faults: list[str]) -> BenchmarkReport:
    found = {row.label: row for row in rows}
    idle, floor, busy = (
        found[name] for name in ("deal readable", "floor: answered, then read", "deal readable, applier busy")
    )
    ratios = [
        Ratio(label="30 ms / deal readable, p50", value=_REQUIRED_MS["p50"] / idle.p50_ms, required=1.0),
        Ratio(label="250 ms / deal readable, p99", value=_REQUIRED_MS["p99"] / idle.p99_ms, required=1.0),
        Ratio(label="250 ms / deal readable, p99, applier busy", value=_REQUIRED_MS["p99"] / busy.p99_ms),
        Ratio(label="floor / deal readable, p50", value=floor.p50_ms / idle.p50_ms),
    ]
    return BenchmarkReport(
        name="b3",
        title="B3: from webhook to deal",
        ratios=ratios,
        rows=[msgspec.to_builtins(row) for row in rows],
        faults=faults,
    )


class LoadClient:
    """Sends webhooks at fixed times, however long the responses take, and reads some of their deals. In seconds."""

    def __init__(self, address: str) -> None:
        self.response_times: list[float] = []
        self.read_times: list[float] = []
        self.floor: list[float] = []
        self.deal_times: list[float] = []
        self._refused: Counter[int] = Counter()
        self._lost = 0
        # Shorter than the server's own limit: a request on its way to a closed connection would be lost.
        limits = httpx2.Limits(max_connections=200, max_keepalive_connections=200, keepalive_expiry=2.0)
        self._client = httpx2.AsyncClient(base_url=address, timeout=_TIMEOUT, limits=limits)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def send_earlier(self) -> None:
        """Sends what the database has before the measurement, as fast as it is taken."""
        for first in range(0, _EARLIER, _EARLIER_AT_ONCE):
            numbers = range(-1 - first, -1 - first - _EARLIER_AT_ONCE, -1)
            await asyncio.gather(*(self._post(created(number, datetime.now(UTC))) for number in numbers))

    async def send_all(self, seconds: int) -> None:
        """Sends them at their times, whatever the responses take."""
        started_at = perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for number in range(seconds * _RATE):
                await asyncio.sleep(max(0.0, started_at + number / _RATE - perf_counter()))
                tasks.create_task(self._send(number))

    def faults(self) -> list[str]:
        """Returns what makes the figures invalid."""
        refused = [f"{count} webhooks were answered with {status}" for status, count in self._refused.items()]
        return [*refused, *([f"{self._lost} deals did not appear"] if self._lost else [])]

    async def _send(self, number: int) -> None:
        body = created(number, datetime.now(UTC))
        started_at = perf_counter()
        is_accepted = await self._post(body)
        elapsed = perf_counter() - started_at
        self.response_times.append(elapsed)
        if number % _PROBE_EVERY == 0 and is_accepted:
            await self._wait_for_deal(json.loads(body)["payload"]["uid"], started_at, elapsed)

    async def _post(self, body: bytes) -> bool:
        headers = {"X-Cal-Signature-256": sign(SECRET.encode(), body), "Content-Type": "application/json"}
        answer = await self._client.post("/webhooks/calcom", content=body, headers=headers)
        if answer.status_code == httpx2.codes.OK:
            return True
        self._refused[answer.status_code] += 1
        return False

    async def _wait_for_deal(self, uid: str, started_at: float, response_time: float) -> None:
        while perf_counter() - started_at < _TIMEOUT:
            asked_at = perf_counter()
            if await self._has_deal(uid):
                self.deal_times.append(perf_counter() - started_at)
                asked_at = perf_counter()
                await self._has_deal(uid)
                self.read_times.append(perf_counter() - asked_at)
                self.floor.append(response_time + self.read_times[-1])
                return
            await asyncio.sleep(max(0.0, _POLL_INTERVAL - (perf_counter() - asked_at)))
        self._lost += 1

    async def _has_deal(self, uid: str) -> bool:
        query = {"workspace": "default", "uid": uid, "limit": "1"}
        answer = await self._client.get("/api/bookings", params=query, headers={"Authorization": f"Bearer {API_KEY}"})
        if answer.status_code == httpx2.codes.TOO_MANY_REQUESTS:
            # A busy machine reads more slowly than the benchmark asks.
            return False
        return any(item["deal_id"] for item in answer.raise_for_status().json()["items"])


def _timing(label: str, seconds: Sequence[float], backlog_left: int | None = None) -> Timing:
    milliseconds = sorted(1000 * value for value in seconds) or [0.0]
    return Timing(
        label=label,
        times=len(seconds),
        p50_ms=milliseconds[len(milliseconds) // 2],
        p99_ms=milliseconds[len(milliseconds) * 99 // 100],
        slowest_ms=milliseconds[-1],
        backlog_left=backlog_left,
    )


async def _wait_until_idle(url: str) -> None:
    """Waits until all is applied and sent; then has PostgreSQL count its tables, as it does within a minute."""
    while await scalar(url, _STILL_WAITING) or await scalar(url, _STILL_DUE):  # noqa: ASYNC110  # another process works
        await asyncio.sleep(0.2)
    driver = await asyncpg.connect(url)
    try:
        await driver.execute("ANALYZE")
    finally:
        await driver.close()


async def _ingest_backlog(url: str, count: int) -> None:
    """Stores pending events in a workspace that is not measured."""
    if not count:
        return
    engine = connect(url, pool_size=1)
    async with transaction(engine) as tx:
        workspace = await workspaces_store.add(tx, slug="other", name="Other")
        assert workspace is not None, "the database is new"
        account_id = await accounts_store.add(
            tx, Seal(["x"]), name="other", workspace_id=workspace.id, credentials=None
        )
    await engine.dispose()
    assert account_id is not None, "the database is new"
    driver = await asyncpg.connect(url)
    try:
        for offset in range(_OTHERS_FIRST, _OTHERS_FIRST + count, _INGEST_BATCH):
            now = datetime.now(UTC)
            bodies = (created(number, now) for number in range(offset, offset + _INGEST_BATCH))
            batch = [
                IncomingEvent(account_id=account_id, workspace_id=workspace.id, body=body, received_at=now)
                for body in bodies
            ]
            await store.insert_events(driver, batch)
    finally:
        await driver.close()
