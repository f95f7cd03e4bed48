"""Formats the result of a simulation: a progress bar, a few lines and a table, or JSON."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from showup.cli.output import print_json
from showup.simulation.compare import TruthDifference
from showup.simulation.run import CheckResult
from showup.simulation.sender import SendSummary
from showup.simulation.world import World
from showup.values.counted import counted

_SINGULARS = {"bookings": "booking", "deals": "deal", "companies": "company", "people": "person"}
_MAX_DIFFERENCES = 50


@contextmanager
def progress(total: int) -> Iterator[Callable[[], None]]:
    """Shows a bar on stderr, if it is a terminal; each call of the function moves it by one of `total`."""
    console = Console(stderr=True)
    columns = (TextColumn("sending"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)


@contextmanager
def wait_status() -> Iterator[None]:
    """Reports on stderr, if it is a terminal, that the check has begun."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status("waiting for Showup to catch up, then comparing"):
        yield


def print_report(world: World, summary: SendSummary, comparison: CheckResult | None) -> None:
    """Prints what was sent and, if it was compared, the comparison."""
    sent, retries = counted(summary.sent, "webhook"), counted(summary.retries, "retry", "retries")
    print(
        f"Run {world.tag}: sent {sent} in {summary.seconds:.1f} s, "
        f"{summary.accepted:,} accepted, {summary.duplicates:,} of them repeated, {retries}"
    )
    for reason, count in sorted(summary.failures.items()):
        print(f"  refused: {count} × {reason}")
    if (p50 := summary.latency(0.5)) is not None and (p99 := summary.latency(0.99)) is not None:
        print(f"  responded within {p50 * 1000:.1f} ms (p50), {p99 * 1000:.1f} ms (p99)")
    if comparison is not None:
        _print_comparison(comparison)


def print_report_json(world: World, summary: SendSummary, comparison: CheckResult | None) -> None:
    """Prints the same result as one JSON object; latencies in milliseconds."""
    report: dict[str, object] = {
        "run": world.tag,
        "seed": world.seed,
        "sent": summary.sent,
        "accepted": summary.accepted,
        "duplicates": summary.duplicates,
        "tried_again": summary.retries,
        "refused": dict(summary.failures),
        "seconds": round(summary.seconds, 3),
        "latency_ms": {"p50": _milliseconds(summary, 0.5), "p99": _milliseconds(summary, 0.99)},
    }
    if comparison is not None:
        report["check"] = {
            "ok": comparison.is_ok,
            "unprocessed": comparison.unprocessed,
            **_truth_counts(comparison),
            "matches": None if comparison.matches is None else asdict(comparison.matches),
            "differences": comparison.differences,
        }
    print_json(report)


def _print_comparison(comparison: CheckResult) -> None:
    if comparison.unprocessed:
        events = counted(comparison.unprocessed, "event is", "events are")
        print(f"Timed out: {events} not applied yet. Check that a worker runs.")
    if comparison.differences:
        Console().print(_differences_table(comparison.differences))
        if (more := len(comparison.differences) - _MAX_DIFFERENCES) > 0:
            print(f"… and {more} more")
    elif not comparison.unprocessed:
        counts = _truth_counts(comparison)
        sizes = ", ".join(counted(count, _SINGULARS[noun], noun) for noun, count in counts.items())
        print(f"OK: {sizes} match the simulation")
    if (matches := comparison.matches) is not None:
        print(f"attendees who are leads: {matches.linked:,} of {matches.leads:,} linked to their lead")


def _differences_table(differences: list[TruthDifference]) -> Table:
    table = Table(title=counted(len(differences), "difference"))
    for heading in ("kind", "key", "field", "expected", "found"):
        # A uid that is cut short can't be looked up.
        table.add_column(heading, overflow="fold")
    for difference in differences[:_MAX_DIFFERENCES]:
        # Printed as plain text: a title in square brackets is not markup.
        table.add_row(*(value.replace("[", r"\[") for value in asdict(difference).values()))
    return table


def _truth_counts(comparison: CheckResult) -> dict[str, int]:
    truth = comparison.truth
    return {
        "bookings": len(truth.bookings),
        "deals": len(truth.deals),
        "companies": len(truth.companies),
        "people": len(truth.people),
    }


def _milliseconds(summary: SendSummary, share: float) -> float | None:
    seconds = summary.latency(share)
    return None if seconds is None else round(seconds * 1000, 2)
