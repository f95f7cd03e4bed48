"""B4: deliveries a second of one worker process, beside the same calls alone, and with many reminders waiting."""

import msgspec
from rich.progress import Progress

from benchmarks.children import child, lines
from benchmarks.delivery_benchmark import Row, open_benchmark
from benchmarks.delivery_floor import CallResult
from benchmarks.delivery_worker import fake_provider
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.reminder_moves import measure_moves
from benchmarks.results import BenchmarkReport, Ratio

_AT_ONCE = 40
_REQUIRED_RATE, _MAX_LATENESS_MS, _MIN_RATIO = 800, 300.0, 0.9


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How many are delivered at once and one at a time; how many wait, become due one by one, and are moved."""

    deliveries: int
    one_at_a_time: int
    waiting: int
    falling_due: int
    moved: int


FULL = Size(deliveries=5_000, one_at_a_time=500, waiting=1_000_000, falling_due=500, moved=10_000)
QUICK = Size(deliveries=1_000, one_at_a_time=200, waiting=50_000, falling_due=200, moved=2_000)


async def measure(environment: BenchmarkEnvironment, progress: Progress, *, quick: bool) -> BenchmarkReport:
    """Measures the floor, one at a time, many at once; and the same with many reminders far ahead."""
    size, faults = QUICK if quick else FULL, list[str]()
    task = progress.add_task("B4: deliveries", total=4)
    rows = [await _floor(size.deliveries, faults)]
    progress.advance(task)
    async with open_benchmark(environment, at_once=1) as benchmark:
        rows += await benchmark.measure_drain("one at a time", size.one_at_a_time)
        faults += benchmark.faults
    progress.advance(task)
    for condition, waiting in (("none waiting", 0), (f"{size.waiting:,} waiting", size.waiting)):
        async with open_benchmark(environment, at_once=_AT_ONCE, waiting=waiting) as benchmark:
            rows += await benchmark.measure_drain(f"delivered, {condition}", size.deliveries)
            rows.append(await benchmark.measure_due(f"as they fall due, {condition}", size.falling_due))
            rows.append(await measure_moves(benchmark.driver, f"moved, {condition}", size.moved))
            faults += benchmark.faults
        progress.advance(task)
    return BenchmarkReport(
        name="b4",
        title="B4: deliveries sent by one worker process, on loopback",
        ratios=_ratios(*rows),
        rows=[msgspec.to_builtins(row) for row in rows],
        faults=faults,
    )


async def _floor(count: int, faults: list[str]) -> Row:
    async with (
        fake_provider() as provider_url,
        child("delivery_floor", provider_url, str(count), str(_AT_ONCE)) as process,
    ):
        floor_result = msgspec.json.decode(await lines(process).readline(), type=CallResult)
    if floor_result.refused_count:
        faults.append(f"floor: {floor_result.refused_count} calls were refused")
    return Row(
        label="floor: the calls alone",
        times=count,
        per_second=count / floor_result.seconds,
        worker_us=floor_result.cpu_seconds / count * 1e6,
    )


def _ratios(
    floor: Row, one_at_a_time: Row, _one_rerun: Row, delivered: Row, rerun: Row, due: Row, moves: Row, *many: Row
) -> list[Ratio]:
    many_delivered, _many_rerun, many_due, many_moves = many
    return [
        Ratio(label="delivered / 800 a second", value=delivered.per_second / _REQUIRED_RATE, required=1.0),
        Ratio(label="delivered / one at a time", value=delivered.per_second / one_at_a_time.per_second),
        Ratio(label="delivered / the calls alone", value=delivered.per_second / floor.per_second),
        Ratio(label="delivered, rendered already / the calls alone", value=rerun.per_second / floor.per_second),
        Ratio(
            label="delivered, many waiting / none",
            value=many_delivered.per_second / delivered.per_second,
            required=_MIN_RATIO,
        ),
        Ratio(label="300 ms / p99 of lateness", value=_MAX_LATENESS_MS / (due.p99_ms or 1.0), required=1.0),
        Ratio(
            label="300 ms / p99 of lateness, many waiting",
            value=_MAX_LATENESS_MS / (many_due.p99_ms or 1.0),
            required=1.0,
        ),
        Ratio(label="moved, many waiting / none", value=many_moves.per_second / moves.per_second, required=_MIN_RATIO),
    ]
