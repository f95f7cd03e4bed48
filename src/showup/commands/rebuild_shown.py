"""How the outcome of a rebuild looks: a progress bar, a few lines and two tables, or JSON."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from showup.commands.printing import as_json
from showup.inbox.rebuild.compare import Count
from showup.inbox.rebuild.run import Rebuilt
from showup.inbox.rebuild.words import Differing

_LEFT = {
    "kept": "not applied yet",
    "failed": "failed, to be tried again",
    "refused": "refused",
    "duplicate": "repetitions",
    "ignored": "without meaning for a pipeline",
    "unreadable": "unreadable",
    "later": "came later",
}


class Manner(NamedTuple):
    """What was asked for."""

    applied: bool
    tried: bool
    as_of: datetime | None

    @property
    def checked(self) -> bool:
        """Whether a difference means that something is wrong."""
        return not (self.applied or self.tried or self.as_of)

    @property
    def headings(self) -> tuple[str, str]:
        """What the two sides of a difference are called."""
        if self.as_of is not None:
            return "now", "then"
        return ("was", "is") if self.applied else ("stands", "would be")


class _Speed(ProgressColumn):
    """How many events a second."""

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.0f} a second")


@contextmanager
def progress() -> Iterator[tuple[Callable[[int], None], Callable[[int], None]]]:
    """A bar on stderr: the first call says of how many, each other one moves it; nothing where there is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("folding"), BarColumn(), MofNCompleteColumn(), _Speed(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda total: bar.reset(task, total=total), lambda step: bar.advance(task, step)


def in_text(found: Rebuilt, manner: Manner) -> None:
    """Prints how much was folded, and what differs."""
    set_aside = sum(found.left.get(state, 0) for state in ("ignored", "unreadable"))
    print(f"Folded {found.events - set_aside:,} events.{_left(found)}")
    if found.otherwise:
        print(f"{found.otherwise:,} events that were set aside would be read otherwise today: have them run again.")
    if not found.differing and manner.as_of is None:
        print("No difference.")
        return
    # As wide as it takes where nobody looks at a terminal: a name that is cut short can't be looked up.
    console = Console() if Console().is_terminal else Console(width=200)
    console.print(_counts(found.counts, manner))
    if found.examples:
        console.print(_examples(found.examples, manner))
    print(f"{found.differing:,} rows {'were put right' if manner.applied else 'differ'}.")


def in_json(found: Rebuilt, manner: Manner) -> None:
    """Prints the same as one JSON object."""
    as_json(
        {
            "events": found.events,
            "left": found.left,
            "would_be_read_otherwise": found.otherwise,
            "as_of": manner.as_of,
            "applied": manner.applied,
            "differing": found.differing,
            "counts": found.counts,
            "differences": found.examples,
        }
    )


def _left(found: Rebuilt) -> str:
    told = ", ".join(f"{many:,} {_LEFT.get(why, why)}" for why, many in sorted(found.left.items()))
    return f" Left out: {told}." if told else ""


def _counts(counts: list[Count], manner: Manner) -> Table:
    now, then = ("now", "then") if manner.as_of is not None else ("stand", "folded")
    table = Table("workspace", "table", now, then, "missing", "extra", "changed")
    for one in counts:
        if one.differing or (manner.as_of is not None and one.stand):
            numbers = (one.stand, one.folded, one.missing, one.extra, one.changed)
            table.add_row(escape(one.workspace), one.table, *(f"{number:,}" for number in numbers))
    return table


def _examples(examples: list[Differing], manner: Manner) -> Table:
    table = Table(title="Some of them")
    for heading in ("workspace", "table", "which", "column", *manner.headings):
        table.add_column(heading, overflow="fold")
    for one in examples:
        columns = one.columns or {f"({one.kind})": (None, None)}
        for name, sides in columns.items():
            # As it is: a title in square brackets is no markup.
            cells = (one.workspace, one.table, one.which, name, *(side or "" for side in sides))
            table.add_row(*(escape(cell) for cell in cells))
    return table
