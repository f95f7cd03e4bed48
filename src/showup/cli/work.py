"""Implements `showup work`: runs only workers, in addition to one `showup serve` or several."""

import sys
from typing import Annotated

import typer

from showup.values.counted import counted


def work(
    processes: Annotated[int, typer.Option(min=1, help="The number of event workers, and of delivery workers.")] = 1,
) -> None:
    """Start workers that apply events and send deliveries, without a web server. Any number may share one database.

    Example: showup work --processes 2
    """
    from showup.cli.settings_check import load_checked
    from showup.cli.supervisor import Plan, supervise

    supervise(load_checked(), Plan(workers=processes), lambda _ready: _print_banner(processes))


def _print_banner(processes: int) -> None:
    sys.stdout.write(f"Showup runs {counted(processes, 'pair')} of workers. Press Ctrl-C to stop.\n")
    sys.stdout.flush()
