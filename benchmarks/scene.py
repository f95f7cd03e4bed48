"""A database with reminders far ahead in it, a far side, and what one worker between the two makes of what is due."""

from asyncio import sleep
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from time import monotonic

import asyncpg
import msgspec

from benchmarks.applying import used_below_postmaster
from benchmarks.delivering import connect_to_it, delivering, far_side
from benchmarks.far_side import Arrival, taken_at, taken_by
from benchmarks.ground import Ground
from benchmarks.notices import Notices, lay, wake_up
from benchmarks.processor_time import used_by

_PATIENT_FOR = 300.0
_BETWEEN_LOOKS = 0.1
_WARM = 100
_BEGINS_AFTER = timedelta(seconds=6)
_OVER = timedelta(seconds=20)
# A million of them are those of three weeks.
_AHEAD, _APART = timedelta(days=1), timedelta(seconds=2)
_DELIVERED = "SELECT count(*) FROM deliveries WHERE state = 'delivered'"
_SENDING = "SELECT EXISTS (SELECT FROM deliveries WHERE state = 'sending' AND wake_at < now() + interval '1 hour')"
_DUE = "SELECT id::text, due_at FROM deliveries WHERE key LIKE $1"
_AGAIN = """
    UPDATE deliveries SET state = 'scheduled', attempts = 0, delivered_at = NULL, wake_at = $1 WHERE state = 'delivered'
"""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement; `worker_us` and `postgres_us` are processor time each. None where it isn't asked or told."""

    what: str
    times: int
    per_second: float
    worker_us: float | None = None
    postgres_us: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    slowest_ms: float | None = None


class Scene:
    """What is measured there, each on its own; `faults` say what is amiss."""

    def __init__(self, ground: Ground, url: str, driver: asyncpg.Connection, far: str) -> None:
        self.driver = driver
        self.faults: list[str] = []
        self._ground = ground
        self._url = url
        self._far = far

    async def drained(self, what: str, count: int) -> list[Row]:
        """Half confirmations, half reminders, each rendered; and then again, with what was rendered kept."""
        async with delivering(self._ground, self._url, self._far) as worker:
            # Whoever has told nothing yet still has to load what it needs.
            await self._lay("warm", _WARM)
            await self._timed(worker, "warm", _WARM)
            await self._lay("told", count)
            fresh = await self._timed(worker, what, count)
            await self.driver.execute(_AGAIN, _now())
            await self.driver.execute("VACUUM ANALYZE deliveries, delivery_contents, delivery_attempts, lanes")
            kept = await self._timed(worker, f"{what}, rendered already", count + _WARM)
        await self._check(what, count + _WARM)
        return [fresh, kept]

    async def fallen_due(self, what: str, count: int) -> Row:
        """How late each of them came to the far side; the sweep finds them as the worker starts."""
        lot = Notices(name="due", count=count, kind="remind", due_at=_now() + _BEGINS_AFTER, apart=_OVER / count)
        await lay(self.driver, lot)
        before = await taken_by(self._far)
        async with delivering(self._ground, self._url, self._far):
            arrivals = (await self._arrived(before + count, what))[before:]
        due = {row["id"]: row["due_at"].timestamp() for row in await self.driver.fetch(_DUE, "remind:due%")}
        late = sorted(1000 * (one.at - due[one.delivery_id]) for one in arrivals)
        return Row(
            what=what,
            times=len(late),
            per_second=len(late) / (arrivals[-1].at - arrivals[0].at),
            p50_ms=late[len(late) // 2],
            p99_ms=late[len(late) * 99 // 100],
            slowest_ms=late[-1],
        )

    async def _lay(self, name: str, count: int) -> None:
        for kind in ("confirm", "remind"):
            await lay(self.driver, Notices(name=f"{name}-{kind}-", count=count // 2, kind=kind, due_at=_now()))
        await self.driver.execute("VACUUM ANALYZE deliveries, bookings, booking_attendees")

    async def _timed(self, worker: Process, what: str, count: int) -> Row:
        """From the first that comes to the far side to the last one."""
        before, used = await taken_by(self._far), used_by(worker.pid)
        used_below = used_below_postmaster(self._ground)
        await wake_up(self.driver, _now())
        arrivals = (await self._arrived(before + count, what))[before:]
        await self._settled()
        return Row(
            what=what,
            times=len(arrivals),
            per_second=len(arrivals) / (arrivals[-1].at - arrivals[0].at),
            worker_us=_each(used, used_by(worker.pid), count),
            postgres_us=_each(used_below, used_below_postmaster(self._ground), count),
        )

    async def _arrived(self, count: int, what: str) -> list[Arrival]:
        end = monotonic() + _PATIENT_FOR
        while await taken_by(self._far) < count and monotonic() < end:  # noqa: ASYNC110  # another process, asked by HTTP
            await sleep(_BETWEEN_LOOKS)
        arrivals = await taken_at(self._far)
        if len(arrivals) != count:
            self.faults.append(f"{what}: {len(arrivals)} calls instead of {count}")
        return arrivals

    async def _settled(self) -> None:
        while await self.driver.fetchval(_SENDING):  # noqa: ASYNC110  # what stands in the database tells nobody
            await sleep(_BETWEEN_LOOKS)

    async def _check(self, what: str, count: int) -> None:
        if (found := await self.driver.fetchval(_DELIVERED)) != count:
            self.faults.append(f"{what}: {found} delivered instead of {count}")


@asynccontextmanager
async def opened(ground: Ground, *, at_once: int, waiting: int = 0) -> AsyncIterator[Scene]:
    """A new one, at whose far side that many may be told at once."""
    async with ground.database() as url, far_side() as far:
        driver = await asyncpg.connect(url)
        try:
            await connect_to_it(driver, at_once=at_once)
            ahead = Notices(name="ahead", count=waiting, kind="remind", due_at=_now() + _AHEAD, apart=_APART)
            await lay(driver, ahead, booked=False)
            await driver.execute("VACUUM ANALYZE deliveries")
            await driver.execute("CHECKPOINT")
            yield Scene(ground, url, driver, far)
        finally:
            await driver.close()


def _now() -> datetime:
    return datetime.now(UTC)


def _each(before: float | None, after: float | None, count: int) -> float | None:
    return None if before is None or after is None else (after - before) / count * 1e6
