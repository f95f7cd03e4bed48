"""Run the torture tests for longer than the suite does: kill processes under load, and check the data afterwards.

Usage: `python -m tests.torture [TEST …] [--rounds N] [--seed N]`; without a test, it runs r1, r4, r6, commands,
deliveries, import and mcp. The others run only by name:
`rolling` restarts web servers and workers one after the other under load, and upgrades them from `--old`.
`soak` sends webhooks for `--minutes`, and compares the memory of each process at the end and early on.
`openapi` sends `--examples` generated requests to each operation of the API, as each kind of caller.
`prefect` schedules reminders at a real Prefect server, and kills it 3 times and workers `--rounds` times.
`network` cuts a host off from the database and heals the network; only for root on Linux.

`commands` sends people's commands between late webhooks, and checks that none is undone.
`deliveries` sends mails to 1,000 attendees through a failing mail provider, and kills workers `--rounds` times.
`import` imports 1,000,000 leads, and kills the command `--rounds` times.
`mcp` runs the npm conformance suite of MCP against `/mcp`, which needs the registry of npm.

The exit status is 1 after the first fault. The folder of a run that failed or was interrupted is not removed.
"""

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import connect
from tests.torture import exactly_once, lead_import, network, openapi_callers, prefect_runs, rolling, soak
from tests.torture.checks import faults_in_all
from tests.torture.deployment import Deployment
from tests.torture.many_processes import ManyProcesses
from tests.torture.mcp_conformance import run_conformance
from tests.torture.outages import Outages
from tests.torture.people_commands import CommandPlan, run_commands
from tests.torture.report import Report
from tests.torture.rounds import Plan, Result, run_proofs, run_round
from tests.torture.single_serve import SingleServe
from tests.torture.small_disk import SmallDisk, unsupported_reason

_DEPLOYMENTS: dict[str, Callable[[Path], Deployment]] = {
    "r1": SingleServe,
    "r4": SmallDisk if unsupported_reason() is None else Outages,
    "r6": ManyProcesses,
}
_EXACTLY_ONCE = "deliveries"
_COMMANDS = "commands"
_IMPORT = "import"
_MCP = "mcp"
_BY_NAME: dict[str, Callable[[Path, argparse.Namespace], Awaitable[Report]]] = {
    "rolling": rolling.run,
    "network": network.run,
    "soak": soak.run,
    "openapi": openapi_callers.run,
    "prefect": prefect_runs.run,
}
_PEOPLE = 30
_ATTENDEES = 1_000
_LEADS = 1_000_000
_console = Console(soft_wrap=True)


def main() -> None:
    arguments = _arguments()
    # Ctrl-C and SIGTERM both stop the processes that this command started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _console.print(f"seed {arguments.seed}: --seed {arguments.seed} repeats the same histories, processes and moments")
    names = arguments.names or [*_DEPLOYMENTS, _COMMANDS, _EXACTLY_ONCE, _IMPORT, _MCP]
    others = {_EXACTLY_ONCE: _run_exactly_once, _MCP: _run_mcp, **dict.fromkeys(_BY_NAME, _run_by_name)}
    sys.exit(0 if all(others.get(name, _torture)(name, arguments) for name in names) else 1)


def _run_mcp(_name: str, _arguments: argparse.Namespace) -> bool:
    return run_conformance() == 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        choices=[[], *_DEPLOYMENTS, _COMMANDS, _EXACTLY_ONCE, _IMPORT, _MCP, *_BY_NAME],
        metavar="TEST",
        help=f"r1, r4, r6, commands, deliveries, import, mcp, {', '.join(_BY_NAME)} (all up to mcp)",
    )
    parser.add_argument("--rounds", type=int, default=20, help="how many rounds of each test (20)")
    parser.add_argument(
        "--seed", type=int, default=int(time.time()) % 100_000, help="random seed (a new one each time)"
    )
    parser.add_argument("--webhooks", type=int, default=400, help="about how many webhooks a round sends (400)")
    parser.add_argument(
        "--proved-every", type=int, default=1, help="rounds between two runs of verify and rebuild --check (1)"
    )
    parser.add_argument("--minutes", type=float, default=1, help="how long rolling, network and soak send (1)")
    parser.add_argument("--per-second", type=float, help="webhooks a second (rolling 200, network 100, soak 20)")
    parser.add_argument("--examples", type=int, default=20, help="requests of openapi for each case and caller (20)")
    parser.add_argument("--old", default="HEAD", help="the commit or tag from which rolling upgrades (HEAD)")
    parser.add_argument("--target", help="inject this fault only, for example `web` or `postmaster`")
    return parser.parse_args()


def _torture(name: str, arguments: argparse.Namespace) -> bool:
    folder = Path(tempfile.mkdtemp(prefix=f"showup-torture-{name}-"))
    # PostgreSQL runs under another account when we are root, and must be able to enter the folder.
    folder.chmod(0o711)
    deployment, is_sound = _DEPLOYMENTS.get(name, SingleServe)(folder), False
    try:
        run_all = {_COMMANDS: _rounds_of_commands, _IMPORT: _killed_import}.get(name, _rounds)
        is_sound = asyncio.run(run_all(name, deployment, arguments))
    finally:
        deployment.close(preserve=not is_sound)
        _clean_up(folder, is_sound=is_sound)
    return is_sound


def _run_exactly_once(name: str, arguments: argparse.Namespace) -> bool:
    folder = Path(tempfile.mkdtemp(prefix=f"showup-torture-{name}-"))
    folder.chmod(0o711)
    minutes = [timedelta(minutes=number) for number in (3, 2, 1)]
    plan = exactly_once.Plan(_ATTENDEES, arguments.seed, timedelta(minutes=6), minutes, kills=arguments.rounds)
    is_sound = False
    try:
        result = asyncio.run(exactly_once.run_plan(folder, plan))
        is_sound = not result.faults
        _console.print(f"{name}: {exactly_once.summarize(result)}", highlight=False)
        for fault in result.faults[:20]:
            _console.print(f"  {fault}", highlight=False, markup=False)
    finally:
        _clean_up(folder, is_sound=is_sound)
    return is_sound


def _run_by_name(name: str, arguments: argparse.Namespace) -> bool:
    folder = Path(tempfile.mkdtemp(prefix=f"showup-torture-{name}-"))
    folder.chmod(0o711)
    is_sound = False
    try:
        report = asyncio.run(_BY_NAME[name](folder, arguments))
        is_sound = not report.faults
        _console.print(f"{name}: {report.summary}; {'FAULTS' if report.faults else report.verdict}", highlight=False)
        for fault in report.faults[:20]:
            _console.print(f"  {fault}", highlight=False, markup=False)
    finally:
        _clean_up(folder, is_sound=is_sound)
    return is_sound


def _clean_up(folder: Path, *, is_sound: bool) -> None:
    if is_sound:
        shutil.rmtree(folder)
        return
    _console.print(f"Not removed: {folder}, with the output of each process; postgres.log is in data. To inspect it:")
    _console.print(f"  SHOWUP_DATA_DIR={folder / 'data'} .venv/bin/showup serve --no-work --port 0")


async def _rounds(name: str, deployment: Deployment, arguments: argparse.Namespace) -> bool:
    engine = connect(deployment.dsn)
    accepted: set[tuple[str, bytes]] = set()
    try:
        for number in range(1, arguments.rounds + 1):
            plan = Plan(arguments.seed, number, arguments.webhooks, target=arguments.target)
            result = await _run_round(name, deployment, engine, plan, arguments.rounds)
            accepted |= result.sent.accepted
            # While Showup is down, its commands can't check anything; the round reports that as a fault of its own.
            if not result.faults and (number % arguments.proved_every == 0 or number == arguments.rounds):
                result.faults += await asyncio.to_thread(run_proofs, deployment.variables)
                result.faults += await faults_in_all(engine, accepted)
            _print_result(name, result)
            if result.faults:
                return False
    finally:
        await engine.dispose()
    return True


async def _rounds_of_commands(name: str, deployment: Deployment, arguments: argparse.Namespace) -> bool:
    engine = connect(deployment.dsn)
    try:
        for number in range(1, arguments.rounds + 1):
            plan = CommandPlan(arguments.seed, number, _PEOPLE, target=arguments.target)
            faults = await run_commands(deployment, engine, plan)
            faults += await asyncio.to_thread(run_proofs, deployment.variables)
            outcome = "FAULTS" if faults else "no accepted command was undone"
            _console.print(f"{name} round {number}: {plan.people} people, {plan.kills} kills; {outcome}")
            for fault in faults:
                _console.print(f"  {fault}", highlight=False, markup=False)
            if faults:
                return False
    finally:
        await engine.dispose()
    return True


async def _killed_import(name: str, deployment: Deployment, arguments: argparse.Namespace) -> bool:
    with tempfile.TemporaryDirectory(prefix="showup-torture-leads-") as folder:
        plan = lead_import.Plan(rows=_LEADS, seed=arguments.seed, kills=arguments.rounds)
        result = await lead_import.run_plan(Path(folder), deployment.dsn, deployment.variables, plan)
    outcome = "FAULTS" if result.faults else "no lead lost or duplicated"
    positions = ", ".join(f"{position:,}" for position in result.killed_at)
    _console.print(f"{name}: {_LEADS:,} rows in {result.seconds:.0f} s, killed at lines {positions}; {outcome}")
    for fault in result.faults:
        _console.print(f"  {fault}", highlight=False, markup=False)
    return not result.faults


async def _run_round(name: str, deployment: Deployment, engine: AsyncEngine, plan: Plan, rounds: int) -> Result:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_console, transient=True, disable=not _console.is_terminal) as bar:
        task = bar.add_task(f"{name} round {plan.number} of {rounds}", total=plan.webhooks)
        return await run_round(deployment, engine, plan, lambda: bar.advance(task))


def _print_result(name: str, result: Result) -> None:
    sent = result.sent
    resent = ", ".join(f"{count} × {reason}" for reason, count in sorted(sent.retried.items())) or "none"
    duplicates = sum(one.outcome == "duplicate" for one in sent.promises)
    _console.print(
        f"{name} round {result.plan.number}: {result.target} after {result.fault_after} answers; "
        f"{len(sent.promises)} × 2xx, {duplicates} of them duplicates; sent again: {resent}"
        f"{f' (slowest 503: {sent.slowest:.2f} s)' if sent.slowest else ''}; "
        f"{result.seconds:.1f} s; {'no event lost or duplicated' if not result.faults else 'FAULTS'}",
        highlight=False,
    )
    for fault in result.faults:
        _console.print(f"  {fault}", highlight=False, markup=False)


if __name__ == "__main__":
    main()
