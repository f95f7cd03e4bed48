"""B3: from a webhook's sending until its deal can be read by the API, while 200 webhooks a second come in."""

import asyncio
import json
import os
import re
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from time import perf_counter

import asyncpg
import httpx2
import msgspec
from rich.progress import Progress

from benchmarks.bodies import SECRET, created
from benchmarks.children import ROOT, lines
from benchmarks.ground import Ground, scalar
from benchmarks.results import Found, Ratio
from showup.access import accounts_store, workspaces_store
from showup.access.secrets_at_rest import Seal
from showup.database.engine import connect, transaction
from showup.inbox import store
from showup.inbox.raw_event import Incoming
from showup.sources.calcom.signature import sign

_A_SECOND = 200
# To look for every deal would be more work for the server than the webhooks are.
_LOOKED_FOR = 10
_BETWEEN_LOOKS = 0.002
_PATIENT_FOR = 30.0
_KEY = "k" * 40
_OTHERS_FIRST = 10_000_000
_KEPT_AT_ONCE = 500
_WANTED_MS = {"p50": 30.0, "p99": 250.0}
_STILL_WAITING = "SELECT count(*) FROM calcom_events WHERE state = 'kept'"


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How long it is measured, and how many events of another workspace the applier has to do meanwhile."""

    seconds: int
    backlog: int


FULL = Size(seconds=30, backlog=60_000)
QUICK = Size(seconds=8, backlog=12_000)


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement, in milliseconds; `backlog_left`: the other workspace's events that waited still at its end."""

    what: str
    times: int
    p50_ms: float
    p99_ms: float
    slowest_ms: float
    backlog_left: int | None = None


async def measure(ground: Ground, progress: Progress, *, quick: bool) -> Found:
    """With an applier that has nothing else to do, and with one that is busy with another workspace's events."""
    size = QUICK if quick else FULL
    task = progress.add_task("B3: from webhook to deal", total=2)
    rows: list[Timing] = []
    faults: list[str] = []
    for how, backlog in (("", 0), (", applier busy", size.backlog)):
        async with ground.database() as url:
            await _keep_for_another(url, backlog)
            async with _serving(url) as address:
                crowd = Crowd(address)
                await crowd.send_all(size.seconds)
                left = await scalar(url, _STILL_WAITING) if backlog else None
                rows += [
                    _timing(f"answered{how}", crowd.answered),
                    _timing(f"read of what is there{how}", crowd.read),
                    _timing(f"floor: answered, then read{how}", crowd.least),
                    _timing(f"deal readable{how}", crowd.readable, left),
                ]
                faults += [f"{fault}{how}" for fault in crowd.faults()]
        progress.advance(task)
    return _found(rows, faults)


def _found(rows: list[Timing], faults: list[str]) -> Found:
    found = {row.what: row for row in rows}
    idle, floor, busy = (
        found[name] for name in ("deal readable", "floor: answered, then read", "deal readable, applier busy")
    )
    ratios = [
        Ratio(what="30 ms / deal readable, p50", found=_WANTED_MS["p50"] / idle.p50_ms, wanted=1.0),
        Ratio(what="250 ms / deal readable, p99", found=_WANTED_MS["p99"] / idle.p99_ms, wanted=1.0),
        Ratio(what="250 ms / deal readable, p99, applier busy", found=_WANTED_MS["p99"] / busy.p99_ms),
        Ratio(what="floor / deal readable, p50", found=floor.p50_ms / idle.p50_ms),
    ]
    return Found(
        name="b3",
        title="B3: from webhook to deal (to an open SSE stream and to the funnel: there are none yet)",
        ratios=ratios,
        rows=[msgspec.to_builtins(row) for row in rows],
        faults=faults,
    )


class Crowd:
    """Sends webhooks at their times, however long the answers take, and looks for some of their deals. In seconds."""

    def __init__(self, address: str) -> None:
        self.answered: list[float] = []
        self.read: list[float] = []
        self.least: list[float] = []
        self.readable: list[float] = []
        self._refused = 0
        self._lost = 0
        # Given up before the server does it: a request on its way to a closed connection would be lost.
        limits = httpx2.Limits(max_connections=200, max_keepalive_connections=200, keepalive_expiry=2.0)
        self._client = httpx2.AsyncClient(base_url=address, timeout=_PATIENT_FOR, limits=limits)

    async def send_all(self, seconds: int) -> None:
        """All of them, once a few have gone ahead that count for nothing."""
        async with self._client:
            for number in range(_A_SECOND // 2):
                await self._send(-1 - number)
            self.answered.clear()
            self.read.clear()
            self.least.clear()
            self.readable.clear()
            begun = perf_counter()
            async with asyncio.TaskGroup() as tasks:
                for number in range(seconds * _A_SECOND):
                    await asyncio.sleep(max(0.0, begun + number / _A_SECOND - perf_counter()))
                    tasks.create_task(self._send(number))

    def faults(self) -> list[str]:
        """What makes the figures worthless."""
        told = ((self._refused, "webhooks were not accepted"), (self._lost, "deals never came"))
        return [f"{count} {what}" for count, what in told if count]

    async def _send(self, number: int) -> None:
        body = created(number, datetime.now(UTC))
        begun = perf_counter()
        headers = {"X-Cal-Signature-256": sign(SECRET.encode(), body), "Content-Type": "application/json"}
        answer = await self._client.post("/webhooks/calcom", content=body, headers=headers)
        took = perf_counter() - begun
        self.answered.append(took)
        self._refused += answer.status_code != httpx2.codes.OK
        if number % _LOOKED_FOR == 0 and answer.status_code == httpx2.codes.OK:
            await self._look_for(json.loads(body)["payload"]["uid"], begun, took)

    async def _look_for(self, uid: str, begun: float, answered: float) -> None:
        while perf_counter() - begun < _PATIENT_FOR:
            asked = perf_counter()
            if await self._has_deal(uid):
                self.readable.append(perf_counter() - begun)
                asked = perf_counter()
                await self._has_deal(uid)
                self.read.append(perf_counter() - asked)
                self.least.append(answered + self.read[-1])
                return
            await asyncio.sleep(max(0.0, _BETWEEN_LOOKS - (perf_counter() - asked)))
        self._lost += 1

    async def _has_deal(self, uid: str) -> bool:
        query = {"workspace": "default", "uid": uid, "limit": "1"}
        answer = await self._client.get("/api/bookings", params=query, headers={"Authorization": f"Bearer {_KEY}"})
        return any(item["deal_id"] for item in answer.raise_for_status().json()["items"])


def _timing(what: str, seconds: Sequence[float], backlog_left: int | None = None) -> Timing:
    took = sorted(1000 * one for one in seconds) or [0.0]
    return Timing(
        what=what,
        times=len(seconds),
        p50_ms=took[len(took) // 2],
        p99_ms=took[len(took) * 99 // 100],
        slowest_ms=took[-1],
        backlog_left=backlog_left,
    )


async def _keep_for_another(url: str, count: int) -> None:
    """Events of a workspace that nobody looks at."""
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
        for first in range(_OTHERS_FIRST, _OTHERS_FIRST + count, _KEPT_AT_ONCE):
            now = datetime.now(UTC)
            bodies = (created(number, now) for number in range(first, first + _KEPT_AT_ONCE))
            some = [
                Incoming(account_id=account_id, workspace_id=workspace.id, body=body, received_at=now)
                for body in bodies
            ]
            await store.keep_all(driver, some)
    finally:
        await driver.close()


@asynccontextmanager
async def _serving(url: str) -> AsyncIterator[str]:
    """The address of a whole `showup serve`: its parent, one web process, one worker."""
    settings = {
        "DATABASE_URL": url,
        "SHOWUP_SECRET_KEY": "x" * 40,
        "SHOWUP_ADMIN_KEY": _KEY,
        "CALCOM_WEBHOOK_SECRET": SECRET,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "showup", "serve", "--port", "0"),
        stdout=PIPE,
        stderr=STDOUT,
        cwd=ROOT,
        env=os.environ | settings,
    )
    silence: asyncio.Task[None] | None = None
    try:
        address = await _address(process)
        silence = asyncio.create_task(_swallow(process))
        yield address
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        if silence is not None:
            await silence


async def _address(process: Process) -> str:
    heard = ""
    while line := (await lines(process).readline()).decode():
        heard += line
        if found := re.search(r"running at (\S+)", line):
            return found[1]
    raise RuntimeError(f"showup serve ended before it was ready, and said:\n{heard}")


async def _swallow(process: Process) -> None:
    while await lines(process).readline():
        pass
