"""`python -m benchmarks [--quick] [b1] [b2] …`: measure, print, and write the results to benchmarks/results/."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import (
    analysis,
    deliveries,
    end_to_end,
    idle,
    ingest,
    late_events,
    leads_import,
    live,
    matching,
    pages,
    projection,
    reads,
    rebuild,
    results,
)
from benchmarks.environment import open_environment
from benchmarks.machine import this_machine

_MEASURES = {
    "b1": ingest.measure,
    "b2": projection.measure,
    "b2-late-events": late_events.measure,
    "b2-rebuild": rebuild.measure,
    "b3": end_to_end.measure,
    "b4": deliveries.measure,
    "b5": reads.measure,
    "b5-analysis": analysis.measure,
    "b6-leads-import": leads_import.measure,
    "b6-matching": matching.measure,
    "b7": idle.measure,
    "b8": pages.measure,
    "b8-lighthouse": pages.measure_in_browser,
    "b8-live": live.measure,
}
_WIDTH = 160


async def run(names: Sequence[str], *, quick: bool, kept: Path | None) -> bool:
    """Runs these benchmarks; returns False when a figure is invalid. `kept`: the folder of filled databases."""
    # Ctrl-C and SIGTERM both stop PostgreSQL and the processes that this run started.
    if (task := asyncio.current_task()) is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    # Tables that go to a file or a pipe are not shortened.
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    is_sound = True
    async with open_environment(kept) as environment:
        for name in names:
            machine = this_machine(environment)
            with _progress(console) as progress:
                found = await _MEASURES[name](environment, progress, quick=quick)
            if found.skipped is None:
                results.write(found, machine, quick=quick)
            results.show(found, console)
            is_sound = is_sound and not found.faults
    return is_sound


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True)


def main() -> None:
    """Run the selected benchmarks; the exit status is 1 when a figure is invalid, whatever the ratios are."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure how fast Showup is on this machine."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(_MEASURES)}; all by default")
    parser.add_argument("--quick", action="store_true", help="small sizes, about a minute")
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="FOLDER",
        help="put the database there, and leave it: the next run fills nothing again, as long as the tables stay",
    )
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(_MEASURES):
        parser.error(f"unknown benchmark: {', '.join(sorted(unknown))}")
    measured = run(arguments.names or list(_MEASURES), quick=arguments.quick, kept=arguments.keep)
    sys.exit(0 if uvloop.run(measured) else 1)


if __name__ == "__main__":
    main()
