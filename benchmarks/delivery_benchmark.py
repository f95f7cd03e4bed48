"""A database with reminders far ahead, a fake provider, and one worker between the two, with its speed."""

from asyncio import sleep
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from time import monotonic

import asyncpg
import msgspec

from benchmarks.delivery_batches import DeliveryBatch, insert_deliveries, wake_dispatcher
from benchmarks.delivery_worker import add_connection, delivery_worker, fake_provider
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.fake_provider import Arrival, arrival_count, list_arrivals
from benchmarks.processor_time import cpu_seconds
from benchmarks.projection import postgres_cpu_seconds

_TIMEOUT = 300.0
_POLL_INTERVAL = 0.1
_WARM = 100
_BEGINS_AFTER = timedelta(seconds=6)
_DUE_SPREAD = timedelta(seconds=20)
# A million is the number of three weeks.
_AHEAD, _APART = timedelta(days=1), timedelta(seconds=2)
_DELIVERED = "SELECT count(*) FROM deliveries WHERE state = 'delivered'"
_SENDING = "SELECT EXISTS (SELECT FROM deliveries WHERE state = 'sending' AND wake_at < now() + interval '1 hour')"
_DUE = "SELECT id::text, due_at FROM deliveries WHERE key LIKE $1"
_RESCHEDULE_ALL = """
    UPDATE deliveries SET state = 'scheduled', attempts = 0, delivered_at = NULL, wake_at = $1 WHERE state = 'delivered'
"""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement; `worker_us` and `postgres_us` are processor time for each delivery. None where not measured."""

    label: str
    times: int
    per_second: float
    worker_us: float | None = None
    postgres_us: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    slowest_ms: float | None = None


class DeliveryBenchmark:
    """The measurements, one after the other; `faults` make the figures invalid."""

    def __init__(
        self, environment: BenchmarkEnvironment, url: str, driver: asyncpg.Connection, provider_url: str
    ) -> None:
        self.driver = driver
        self.faults: list[str] = []
        self._environment = environment
        self._url = url
        self._provider_url = provider_url

    async def measure_drain(self, label: str, count: int) -> list[Row]:
        """Measures half confirmations and half reminders, rendered; then again with the stored content."""
        async with delivery_worker(self._environment, self._url, self._provider_url) as worker:
            # A worker that has sent nothing yet still has to load its modules.
            await self._insert_batches("warm", _WARM)
            await self._measure(worker, "warm", _WARM)
            await self._insert_batches("sent", count)
            first_run = await self._measure(worker, label, count)
            await self.driver.execute(_RESCHEDULE_ALL, _now())
            await self.driver.execute(
                "VACUUM ANALYZE deliveries, delivery_contents, delivery_attempts, destination_queues"
            )
            rerun = await self._measure(worker, f"{label}, rendered already", count + _WARM)
        await self._check_delivered(label, count + _WARM)
        return [first_run, rerun]

    async def measure_due(self, label: str, count: int) -> Row:
        """Measures the lateness of deliveries; the sweep finds the deliveries when the worker starts."""
        batch = DeliveryBatch(
            name="due", count=count, kind="reminder", due_at=_now() + _BEGINS_AFTER, apart=_DUE_SPREAD / count
        )
        await insert_deliveries(self.driver, batch)
        before = await arrival_count(self._provider_url)
        async with delivery_worker(self._environment, self._url, self._provider_url):
            arrivals = (await self._wait_for_arrivals(before + count, label))[before:]
        due = {row["id"]: row["due_at"].timestamp() for row in await self.driver.fetch(_DUE, "reminder:due%")}
        lateness = sorted(1000 * (arrival.at - due[arrival.delivery_id]) for arrival in arrivals)
        return Row(
            label=label,
            times=len(lateness),
            per_second=len(lateness) / (arrivals[-1].at - arrivals[0].at),
            p50_ms=lateness[len(lateness) // 2],
            p99_ms=lateness[len(lateness) * 99 // 100],
            slowest_ms=lateness[-1],
        )

    async def _insert_batches(self, name: str, count: int) -> None:
        for kind in ("confirmation", "reminder"):
            await insert_deliveries(
                self.driver, DeliveryBatch(name=f"{name}-{kind}-", count=count // 2, kind=kind, due_at=_now())
            )
        await self.driver.execute("VACUUM ANALYZE deliveries, bookings, booking_attendees")

    async def _measure(self, worker: int, label: str, count: int) -> Row:
        """Measures from the first call at the provider to the last."""
        before, cpu_before = await arrival_count(self._provider_url), cpu_seconds(worker)
        postgres_before = postgres_cpu_seconds(self._environment)
        await wake_dispatcher(self.driver, _now())
        arrivals = (await self._wait_for_arrivals(before + count, label))[before:]
        await self._wait_until_recorded()
        return Row(
            label=label,
            times=len(arrivals),
            per_second=len(arrivals) / (arrivals[-1].at - arrivals[0].at),
            worker_us=_us_per_item(cpu_before, cpu_seconds(worker), count),
            postgres_us=_us_per_item(postgres_before, postgres_cpu_seconds(self._environment), count),
        )

    async def _wait_for_arrivals(self, count: int, label: str) -> list[Arrival]:
        deadline = monotonic() + _TIMEOUT
        while await arrival_count(self._provider_url) < count and monotonic() < deadline:  # noqa: ASYNC110  # another process, asked by HTTP
            await sleep(_POLL_INTERVAL)
        arrivals = await list_arrivals(self._provider_url)
        if len(arrivals) != count:
            self.faults.append(f"{label}: {len(arrivals)} calls instead of {count}")
        return arrivals

    async def _wait_until_recorded(self) -> None:
        while await self.driver.fetchval(_SENDING):  # noqa: ASYNC110  # another process changes it
            await sleep(_POLL_INTERVAL)

    async def _check_delivered(self, label: str, count: int) -> None:
        if (found := await self.driver.fetchval(_DELIVERED)) != count:
            self.faults.append(f"{label}: {found} delivered instead of {count}")


@asynccontextmanager
async def open_benchmark(
    environment: BenchmarkEnvironment, *, at_once: int, waiting: int = 0
) -> AsyncIterator[DeliveryBenchmark]:
    """Creates a benchmark with a new database, whose provider allows that many calls at once."""
    async with environment.database() as url, fake_provider() as provider_url:
        driver = await asyncpg.connect(url)
        try:
            await add_connection(driver, at_once=at_once)
            ahead = DeliveryBatch(name="ahead", count=waiting, kind="reminder", due_at=_now() + _AHEAD, apart=_APART)
            await insert_deliveries(driver, ahead, with_bookings=False)
            await driver.execute("VACUUM ANALYZE deliveries")
            await driver.execute("CHECKPOINT")
            yield DeliveryBenchmark(environment, url, driver, provider_url)
        finally:
            await driver.close()


def _now() -> datetime:
    return datetime.now(UTC)


def _us_per_item(before: float | None, after: float | None, count: int) -> float | None:
    return None if before is None or after is None else (after - before) / count * 1e6
