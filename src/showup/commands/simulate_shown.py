"""How the outcome of a simulation looks: a progress bar, a few lines and a table, or JSON."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from showup.commands.printing import as_json
from showup.simulation.compare import Difference
from showup.simulation.run import Checked
from showup.simulation.sender import Summary
from showup.simulation.world import World

_MOST_SHOWN = 50


@contextmanager
def progress(total: int) -> Iterator[Callable[[], None]]:
    """A bar on stderr that each call moves by one of `total`; nothing where there is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("sending"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)


@contextmanager
def waiting() -> Iterator[None]:
    """Says on stderr that the check has begun; nothing where there is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status("waiting for Showup to catch up, then comparing"):
        yield


def in_text(world: World, summary: Summary, checked: Checked | None) -> None:
    """Prints what was sent and, if it was compared, what came of it."""
    print(
        f"Run {world.tag}: sent {summary.sent} webhooks in {summary.seconds:.1f} s, "
        f"{summary.accepted} taken, {summary.duplicates} of them duplicates, {summary.tried_again} tries more"
    )
    for answer, count in sorted(summary.refused.items()):
        print(f"  not taken: {count} × {answer}")
    if (half := summary.latency(0.5)) is not None and (most := summary.latency(0.99)) is not None:
        print(f"  answered within {half * 1000:.1f} ms (p50), {most * 1000:.1f} ms (p99)")
    if checked is not None:
        _show(checked)


def in_json(world: World, summary: Summary, checked: Checked | None) -> None:
    """Prints the same as one JSON object; latencies in milliseconds."""
    said: dict[str, object] = {
        "run": world.tag,
        "seed": world.seed,
        "sent": summary.sent,
        "accepted": summary.accepted,
        "duplicates": summary.duplicates,
        "tried_again": summary.tried_again,
        "refused": dict(summary.refused),
        "seconds": round(summary.seconds, 3),
        "latency_ms": {"p50": _milliseconds(summary, 0.5), "p99": _milliseconds(summary, 0.99)},
    }
    if checked is not None:
        said["check"] = {
            "ok": checked.ok,
            "unsettled": checked.unsettled,
            **_sizes(checked),
            "differences": checked.differences,
        }
    as_json(said)


def _show(checked: Checked) -> None:
    if checked.unsettled:
        print(f"Not settled in time: {checked.unsettled} events are not applied yet (does a worker run?)")
    if checked.differences:
        Console().print(_table(checked.differences))
        if (more := len(checked.differences) - _MOST_SHOWN) > 0:
            print(f"… and {more} more")
    elif not checked.unsettled:
        counted = ", ".join(f"{count} {noun}" for noun, count in _sizes(checked).items())
        print(f"OK: {counted} as the simulator knows them")


def _table(differences: list[Difference]) -> Table:
    table = Table(title=f"{len(differences)} differences")
    for heading in ("what", "which", "field", "expected", "found"):
        # A uid that is cut short can't be looked up.
        table.add_column(heading, overflow="fold")
    for one in differences[:_MOST_SHOWN]:
        # As it is: a title in square brackets is no markup.
        table.add_row(*(value.replace("[", r"\[") for value in asdict(one).values()))
    return table


def _sizes(checked: Checked) -> dict[str, int]:
    truth = checked.truth
    return {
        "bookings": len(truth.bookings),
        "deals": len(truth.deals),
        "companies": len(truth.companies),
        "people": len(truth.people),
    }


def _milliseconds(summary: Summary, share: float) -> float | None:
    seconds = summary.latency(share)
    return None if seconds is None else round(seconds * 1000, 2)
