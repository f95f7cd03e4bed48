"""`showup work`: workers only, beside a `showup serve` or several."""

import sys
from typing import Annotated

import typer


def work(
    processes: Annotated[int, typer.Option(min=1, help="How many pairs of workers to start here.")] = 1,
) -> None:
    """Apply what was kept and tell the outside, without a web server; any number may work on one database.

    Example: showup work --processes 2
    """
    from showup.commands.family import Child
    from showup.commands.running import run
    from showup.settings import load

    kinds = ("work", "deliver")
    children = [
        Child(name=f"{kind}-{number}", arguments=(kind,)) for number in range(1, processes + 1) for kind in kinds
    ]
    run(load(), children, lambda _ground, _has_secret: _greet(processes), adopting=False)


def _greet(processes: int) -> None:
    sys.stdout.write(f"Showup works with {processes} process{'' if processes == 1 else 'es'}. Ctrl-C stops it.\n")
    sys.stdout.flush()
