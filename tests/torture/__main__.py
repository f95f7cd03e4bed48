"""`python -m tests.torture [r1] [r4] [r6] [told] [--rounds N] [--seed N]`: the long form of what is short in the suite.

`told` tells 1,000 attendees by a mail provider that fails, while workers are killed `--rounds` times.
The exit status is 1 at the first loss; the folder of that run, or of one that broke off, is kept, to be looked at.
"""

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import connect
from tests.torture import told
from tests.torture.alone import Alone
from tests.torture.checks import faults_in_all
from tests.torture.crowd import Crowd
from tests.torture.outages import Outages
from tests.torture.rounds import Plan, Result, play, proofs
from tests.torture.small_disk import SmallDisk, refusal
from tests.torture.stage import Stage

_STAGES: dict[str, Callable[[Path], Stage]] = {
    "r1": Alone,
    "r4": SmallDisk if refusal() is None else Outages,
    "r6": Crowd,
}
_TOLD = "told"
_ATTENDEES = 1_000
_console = Console(soft_wrap=True)


def main() -> None:
    given = _arguments()
    # However we are told to stop, what we started is stopped too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _console.print(f"seed {given.seed}: with --seed {given.seed} come the same stories, victims and moments again")
    names = given.names or [*_STAGES, _TOLD]
    sys.exit(0 if all((_told if name == _TOLD else _tortured)(name, given) for name in names) else 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *_STAGES, _TOLD], help="all of them unless given")
    parser.add_argument("--rounds", type=int, default=20, help="of each (20)")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100_000, help="else another one each time")
    parser.add_argument("--webhooks", type=int, default=400, help="about so many in a round (400)")
    parser.add_argument("--proved-every", type=int, default=1, help="rounds between verify and rebuild --check (1)")
    parser.add_argument("--victim", help="kill nothing else")
    return parser.parse_args()


def _tortured(name: str, given: argparse.Namespace) -> bool:
    folder = Path(tempfile.mkdtemp(prefix=f"showup-torture-{name}-"))
    # PostgreSQL runs under another account when we are root, and has to pass through.
    folder.chmod(0o711)
    stage, whole = _STAGES[name](folder), False
    try:
        whole = asyncio.run(_rounds(name, stage, given))
    finally:
        stage.close(keep=not whole)
        _leave(folder, whole=whole)
    return whole


def _told(name: str, given: argparse.Namespace) -> bool:
    folder = Path(tempfile.mkdtemp(prefix=f"showup-torture-{name}-"))
    folder.chmod(0o711)
    minutes = [timedelta(minutes=number) for number in (3, 2, 1)]
    plan = told.Plan(_ATTENDEES, given.seed, timedelta(minutes=6), minutes, kills=given.rounds)
    whole = False
    try:
        result = asyncio.run(told.play(folder, plan))
        whole = not result.faults
        _console.print(f"{name}: {told.shown(result)}", highlight=False)
        for fault in result.faults[:20]:
            _console.print(f"  {fault}", highlight=False, markup=False)
    finally:
        _leave(folder, whole=whole)
    return whole


def _leave(folder: Path, *, whole: bool) -> None:
    if whole:
        shutil.rmtree(folder)
        return
    _console.print(f"Kept: {folder}, with what each process said; postgres.log is below data. To look at it:")
    _console.print(f"  SHOWUP_DATA_DIR={folder / 'data'} .venv/bin/showup serve --no-work --port 0")


async def _rounds(name: str, stage: Stage, given: argparse.Namespace) -> bool:
    engine = connect(stage.dsn)
    promised: set[tuple[str, bytes]] = set()
    try:
        for number in range(1, given.rounds + 1):
            plan = Plan(given.seed, number, given.webhooks, victim=given.victim)
            result = await _one(name, stage, engine, plan, given.rounds)
            promised |= result.sent.promised
            # What did not come back can't be proved either, and is told by its own fault.
            if not result.faults and (number % given.proved_every == 0 or number == given.rounds):
                result.faults += await asyncio.to_thread(proofs, stage)
                result.faults += await faults_in_all(engine, promised)
            _show(name, result)
            if result.faults:
                return False
    finally:
        await engine.dispose()
    return True


async def _one(name: str, stage: Stage, engine: AsyncEngine, plan: Plan, rounds: int) -> Result:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_console, transient=True, disable=not _console.is_terminal) as bar:
        task = bar.add_task(f"{name} round {plan.number} of {rounds}", total=plan.webhooks)
        return await play(stage, engine, plan, lambda: bar.advance(task))


def _show(name: str, result: Result) -> None:
    sent = result.sent
    again = ", ".join(f"{count} × {what}" for what, count in sorted(sent.put_off.items())) or "none"
    duplicates = sum(one.word == "duplicate" for one in sent.promises)
    _console.print(
        f"{name} round {result.plan.number}: {result.victim} after {result.struck_after} answers; "
        f"{len(sent.promises)} × 2xx, {duplicates} of them duplicates; sent again: {again}"
        f"{f' (slowest 503: {sent.slowest:.2f} s)' if sent.slowest else ''}; "
        f"{result.seconds:.1f} s; {'nothing lost, nothing twice' if not result.faults else 'LOST OR DOUBLED'}",
        highlight=False,
    )
    for fault in result.faults:
        _console.print(f"  {fault}", highlight=False, markup=False)


if __name__ == "__main__":
    main()
