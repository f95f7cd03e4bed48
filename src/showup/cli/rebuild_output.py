"""Formats the result of a rebuild: a progress bar, a few lines and two tables, or JSON."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from showup.cli.output import print_json
from showup.inbox.rebuild.compare import TableCount
from showup.inbox.rebuild.differences import RebuildDifference
from showup.inbox.rebuild.run import RebuildResult
from showup.values.counted import counted

_SKIP_REASONS = {
    "pending": "not applied yet",
    "failed": "failed, to be retried",
    "refused": "refused",
    "duplicate": "duplicates",
    "erased": "erased",
    "ignored": "not relevant to the pipeline",
    "unreadable": "unreadable",
    "later": "received later",
}


class RebuildMode(NamedTuple):
    """The options of the rebuild that decide how its result is shown."""

    applied: bool
    is_trial: bool
    as_of: datetime | None

    @property
    def is_check(self) -> bool:
        """Returns whether a difference means that something is wrong."""
        return not (self.applied or self.is_trial or self.as_of)

    @property
    def headings(self) -> tuple[str, str]:
        """Returns the column headings for the two sides of a difference."""
        if self.as_of is not None:
            return "now", "then"
        return ("before", "after") if self.applied else ("current", "replayed")


class _Speed(ProgressColumn):
    """Shows how many events are replayed per second."""

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.0f} per second")


@contextmanager
def progress() -> Iterator[tuple[Callable[[int], None], Callable[[int], None]]]:
    """Shows a bar on stderr, if it is a terminal: the first function sets the total, the second moves it."""
    console = Console(stderr=True)
    columns = (TextColumn("replaying"), BarColumn(), MofNCompleteColumn(), _Speed(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda total: bar.reset(task, total=total), lambda step: bar.advance(task, step)


def print_report(result: RebuildResult, mode: RebuildMode) -> None:
    """Prints how many events were replayed, and the differences."""
    skipped = sum(result.skipped.get(state, 0) for state in ("ignored", "unreadable"))
    print(f"Replayed {counted(result.events - skipped, 'event')}.{_format_skipped(result)}")
    if result.newly_readable:
        print(
            f"This version reads {result.newly_readable:,} of the skipped events differently. "
            "Replay each with POST /api/events/{event_id}/replay."
        )
    if not result.differing and mode.as_of is None:
        print("No differences.")
        return
    # Full width if stdout is not a terminal: a name that is cut short can't be looked up.
    console = Console() if Console().is_terminal else Console(width=200)
    console.print(_counts_table(result.counts, mode))
    if result.examples:
        console.print(_examples_table(result.examples, mode))
    words = ("row was repaired", "rows were repaired") if mode.applied else ("row differs", "rows differ")
    print(f"{counted(result.differing, *words)}.")


def print_report_json(result: RebuildResult, mode: RebuildMode) -> None:
    """Prints the same result as one JSON object."""
    print_json(
        {
            "events": result.events,
            "skipped": result.skipped,
            "newly_readable": result.newly_readable,
            "as_of": mode.as_of,
            "applied": mode.applied,
            "differing": result.differing,
            "counts": result.counts,
            "differences": result.examples,
        }
    )


def _format_skipped(result: RebuildResult) -> str:
    summary = ", ".join(
        f"{count:,} {_SKIP_REASONS.get(reason, reason)}" for reason, count in sorted(result.skipped.items())
    )
    return f" Skipped: {summary}." if summary else ""


def _counts_table(counts: list[TableCount], mode: RebuildMode) -> Table:
    current_heading, replayed_heading = ("now", "then") if mode.as_of is not None else ("current", "replayed")
    table = Table("workspace", "table", current_heading, replayed_heading, "missing", "extra", "changed")
    for count in counts:
        if count.differing or (mode.as_of is not None and count.current):
            numbers = (count.current, count.replayed, count.missing, count.extra, count.changed)
            table.add_row(escape(count.workspace), count.table, *(f"{number:,}" for number in numbers))
    return table


def _examples_table(examples: list[RebuildDifference], mode: RebuildMode) -> Table:
    table = Table(title="Examples")
    for heading in ("workspace", "table", "row", "column", *mode.headings):
        table.add_column(heading, overflow="fold")
    for example in examples:
        columns = example.columns or {f"({example.kind})": (None, None)}
        for name, sides in columns.items():
            # Printed as plain text: a title in square brackets is not markup.
            cells = (example.workspace, example.table, example.row, name, *(side or "" for side in sides))
            table.add_row(*(escape(cell) for cell in cells))
    return table
