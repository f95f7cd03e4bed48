"""B4: deliveries told a second by one worker process, beside the same calls alone, and with many reminders waiting."""

import msgspec
from rich.progress import Progress

from benchmarks.calling import Called
from benchmarks.children import child, lines
from benchmarks.delivering import far_side
from benchmarks.ground import Ground
from benchmarks.moving import moved
from benchmarks.results import Found, Ratio
from benchmarks.scene import Row, opened

_AT_ONCE = 40
_A_SECOND, _LATE_MS, _AS_FAST = 800, 300.0, 0.9


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How many are told, and how many one at a time; how many wait, fall due one after the other, are moved."""

    told: int
    one_at_a_time: int
    waiting: int
    falling_due: int
    moved: int


FULL = Size(told=5_000, one_at_a_time=500, waiting=1_000_000, falling_due=500, moved=10_000)
QUICK = Size(told=1_000, one_at_a_time=200, waiting=50_000, falling_due=200, moved=2_000)


async def measure(ground: Ground, progress: Progress, *, quick: bool) -> Found:
    """The floor, one at a time, many at once; and the same with many reminders far ahead."""
    size, faults = QUICK if quick else FULL, list[str]()
    task = progress.add_task("B4: telling", total=4)
    rows = [await _floor(size.told, faults)]
    progress.advance(task)
    async with opened(ground, at_once=1) as scene:
        rows += await scene.drained("one at a time", size.one_at_a_time)
        faults += scene.faults
    progress.advance(task)
    for how, waiting in (("none waiting", 0), (f"{size.waiting:,} waiting", size.waiting)):
        async with opened(ground, at_once=_AT_ONCE, waiting=waiting) as scene:
            rows += await scene.drained(f"told, {how}", size.told)
            rows.append(await scene.fallen_due(f"as they fall due, {how}", size.falling_due))
            rows.append(await moved(scene.driver, f"moved, {how}", size.moved))
            faults += scene.faults
        progress.advance(task)
    return Found(
        name="b4",
        title="B4: deliveries told by one worker process, on loopback",
        ratios=_ratios(*rows),
        rows=[msgspec.to_builtins(row) for row in rows],
        faults=faults,
    )


async def _floor(count: int, faults: list[str]) -> Row:
    async with far_side() as far, child("calling", far, str(count), str(_AT_ONCE)) as process:
        called = msgspec.json.decode(await lines(process).readline(), type=Called)
    if called.refused:
        faults.append(f"floor: {called.refused} calls were refused")
    return Row(
        what="floor: the calls alone",
        times=count,
        per_second=count / called.seconds,
        worker_us=called.cpu_seconds / count * 1e6,
    )


def _ratios(
    floor: Row, one: Row, _one_kept: Row, told: Row, kept: Row, due: Row, moving: Row, *many: Row
) -> list[Ratio]:
    many_told, _many_kept, many_due, many_moving = many
    return [
        Ratio(what="told / 800 a second", found=told.per_second / _A_SECOND, wanted=1.0),
        Ratio(what="told / one at a time", found=told.per_second / one.per_second),
        Ratio(what="told / the calls alone", found=told.per_second / floor.per_second),
        Ratio(what="told, rendered already / the calls alone", found=kept.per_second / floor.per_second),
        Ratio(what="told, many waiting / none", found=many_told.per_second / told.per_second, wanted=_AS_FAST),
        Ratio(what="300 ms / p99 of lateness", found=_LATE_MS / (due.p99_ms or 1.0), wanted=1.0),
        Ratio(what="300 ms / p99 of lateness, many waiting", found=_LATE_MS / (many_due.p99_ms or 1.0), wanted=1.0),
        Ratio(what="moved, many waiting / none", found=many_moving.per_second / moving.per_second, wanted=_AS_FAST),
    ]
