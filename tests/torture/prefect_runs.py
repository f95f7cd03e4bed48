"""Each reminder is one flow run of a real Prefect server, whatever is killed (TE13).

A real `serve` receives bookings, reschedules and cancellations. Workers of Showup and the Prefect server die by kill -9
at random moments. The first reminders become due, and a flow that Prefect runs writes a line for each. Afterwards the
flow runs at Prefect and these lines are compared with the meetings.

The server comes from requirements/prefect.txt, in an environment of its own: its dependencies are not those of Showup.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx2

from tests.torture import exactly_once
from tests.torture.exactly_once import PlannedMeeting
from tests.torture.programs import Program, socket_folder, stop_all, wait_until
from tests.torture.report import Report

PYTHON: Final = Path(__file__).parents[2] / ".venv" / "prefect" / "bin" / "python"
OFFSETS: Final = (timedelta(hours=72), timedelta(hours=24), timedelta(hours=2))
AHEAD: Final = OFFSETS[0] + timedelta(minutes=4)
_FLOW: Final = """
import os
from prefect import flow

@flow(log_prints=False)
def remind(booking_id: str, reminder: str, email: str, meeting_time: str):
    with open(os.environ["LINES"], "a") as lines:
        lines.write(f"{email} {reminder} {meeting_time}\\n")

if __name__ == "__main__":
    remind.serve(name="production", limit=8)
"""
_POLICY: Final = """
[pipeline]
ask_for_outcome = false
[reminders]
offsets_before = ["72h", "24h", "2h"]
[prefect]
deployment = "remind/production"
"""
_MEETINGS: Final = 40
_SERVER_KILLS: Final = 3
_BETWEEN_SERVER_KILLS: Final = (4.0, 9.0)
_DELIVERED_SECONDS: Final = 1_200
_RUN_SECONDS: Final = 420


@dataclass(slots=True)
class Result:
    """The result; `faults` is empty when each reminder has its one flow run. `ran` are the lines of the flow."""

    runs: Counter[str] = field(default_factory=Counter)
    ran: int = 0
    killed: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    attempts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0


class PrefectServer:
    """A Prefect server with SQLite in `folder`, and the process that runs its flow."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}/api"
        self.lines = folder / "ran.txt"
        (folder / "flow.py").write_text(_FLOW, encoding="utf-8")
        self._server: subprocess.Popen[bytes] | None = None
        self._runner: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the server, and waits until it answers."""
        command = ("-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(self._port), "--no-ui")
        self._server = self._started("server.log", *command)
        wait_until(lambda: _answers(f"{self.url}/health"), timeout=120)

    def serve_flow(self) -> None:
        """Deploys the flow, and runs what becomes due."""
        self._runner = self._started("runner.log", "flow.py")
        wait_until(lambda: _answers(f"{self.url}/deployments/name/remind/production"), timeout=120)

    def kill(self) -> None:
        """Kills the server with kill -9."""
        _kill_group(self._server)

    def stop(self) -> None:
        """Ends everything."""
        _kill_group(self._runner)
        _kill_group(self._server)

    def flow_runs(self) -> list[dict[str, Any]]:
        """Returns all flow runs, in any state."""
        found: list[dict[str, Any]] = []
        while True:
            query = {"flow_runs": {"tags": {"all_": ["showup"]}}, "sort": "ID_DESC", "limit": 200, "offset": len(found)}
            page = httpx2.post(f"{self.url}/flow_runs/filter", json=query, timeout=60, trust_env=False).json()
            found += page
            if len(page) < 200:
                return found

    def ran(self) -> list[str]:
        """Returns what the flow wrote: the attendee, the reminder and the meeting's time of each run."""
        return self.lines.read_text(encoding="utf-8").splitlines() if self.lines.exists() else []

    def _started(self, log: str, *arguments: str) -> subprocess.Popen[bytes]:
        variables = {
            "PREFECT_HOME": str(self._folder / "home"),
            "PREFECT_API_URL": self.url,
            "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{self._folder / 'prefect.db'}",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "LINES": str(self.lines),
        }
        with (self._folder / log).open("ab") as output:
            return subprocess.Popen(
                [PYTHON, *arguments],
                cwd=self._folder,
                env={**os.environ, **variables},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


def _kill_group(process: subprocess.Popen[bytes] | None) -> None:
    if process is not None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url, timeout=5, trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False


async def run(folder: Path, arguments: argparse.Namespace) -> Report:
    """Runs the plan with the options of the command."""
    result = await run_plan(folder, _MEETINGS, arguments.seed, arguments.rounds)
    return Report(_summarize(result), "each reminder has one flow run", result.faults)


async def run_plan(folder: Path, bookings: int, seed: int, kills: int) -> Result:
    """Runs the plan from an empty folder to the last flow run."""
    rng = random.Random(seed)  # noqa: S311  # the same seed repeats the run
    # Changes that come later find flow runs to move and to cancel.
    plan = exactly_once.Plan(bookings, seed, AHEAD, OFFSETS, kills, changes_within=timedelta(seconds=100))
    began_at, result = time.monotonic(), Result()
    (folder / "showup.toml").write_text(_POLICY, encoding="utf-8")
    (folder / "prefect").mkdir()
    prefect = PrefectServer(folder / "prefect")
    programs: list[Program] = []
    try:
        await asyncio.to_thread(prefect.start)
        await asyncio.to_thread(prefect.serve_flow)
        programs = await asyncio.to_thread(_started, folder, prefect)
        address = programs[0].wait_for(r"running at (\S+)")
        meetings = list(exactly_once.plan_meetings(plan, rng))
        await _send_under_kills(address, meetings, programs, prefect, plan, rng, result)
        rows = await _wait_for_deliveries(folder)
        await _wait_for_first_reminders(prefect, meetings)
        _check_result(prefect, meetings, rows, result)
    finally:
        stop_all(programs)
        prefect.stop()
    result.seconds = time.monotonic() - began_at
    return result


def _started(folder: Path, prefect: PrefectServer) -> list[Program]:
    variables = {
        "SHOWUP_DATA_DIR": str(folder / "data"),
        "SHOWUP_CONFIG": str(folder / "showup.toml"),
        "PREFECT_API_URL": prefect.url,
    }
    serve = Program(folder / "serve.log", "serve", "--port", "0", **variables)
    serve.wait_for(r"running at (\S+)")
    work = Program(folder / "work.log", "work", **variables)
    work.wait_for(r"(Showup runs)")
    return [serve, work]


async def _send_under_kills(
    address: str,
    meetings: Sequence[PlannedMeeting],
    programs: Sequence[Program],
    prefect: PrefectServer,
    plan: exactly_once.Plan,
    rng: random.Random,
    result: Result,
) -> None:
    counted = exactly_once.Result()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(exactly_once.kill_workers(programs, plan.kills, rng, counted))
        tasks.create_task(_kill_server(prefect, rng))
        tasks.create_task(exactly_once.send_bookings(address, meetings, plan, rng))
    result.killed = Counter(work=counted.killed, prefect=_SERVER_KILLS)


async def _kill_server(prefect: PrefectServer, rng: random.Random) -> None:
    for _ in range(_SERVER_KILLS):
        await asyncio.sleep(rng.uniform(*_BETWEEN_SERVER_KILLS))
        await asyncio.to_thread(prefect.kill)
        await asyncio.to_thread(prefect.start)


async def _wait_for_deliveries(folder: Path) -> list[asyncpg.Record]:
    """Returns the deliveries to Prefect, once none of them remains to be sent."""
    driver = await asyncpg.connect(f"postgresql://showup@/showup?host={socket_folder(folder / 'data')}&port=5432")
    try:
        async with asyncio.timeout(_DELIVERED_SECONDS):
            while await driver.fetchval(  # noqa: ASYNC110  # another process sends them
                """
                SELECT EXISTS (SELECT FROM deliveries
                               WHERE destination = 'prefect' AND state IN ('scheduled', 'sending'))
                    OR EXISTS (SELECT FROM inbox_events WHERE state IN ('pending', 'failed'))
                """
            ):
                await asyncio.sleep(0.5)
        rows: list[asyncpg.Record] = await driver.fetch("SELECT * FROM deliveries WHERE destination = 'prefect'")
        return rows
    finally:
        await driver.close()


async def _wait_for_first_reminders(prefect: PrefectServer, meetings: Sequence[PlannedMeeting]) -> None:
    """Waits until Prefect has run the first reminder of each meeting that takes place, or for too long."""
    expected = sum(one.outcome != "cancelled" for one in meetings)
    due_at = max(one.moved_to or one.start for one in meetings) - OFFSETS[0]
    await asyncio.sleep(max(0.0, (due_at - datetime.now(UTC)).total_seconds()))
    deadline = time.monotonic() + _RUN_SECONDS
    while len(prefect.ran()) < expected and time.monotonic() < deadline:  # noqa: ASYNC110  # another process runs them
        await asyncio.sleep(1)
    # What was doubled would run as well.
    await asyncio.sleep(30)


def _check_result(
    prefect: PrefectServer, meetings: Sequence[PlannedMeeting], rows: Sequence[asyncpg.Record], result: Result
) -> None:
    found = prefect.flow_runs()
    lines = Counter(prefect.ran())
    result.runs = Counter(one["state_type"] for one in found)
    result.ran = lines.total()
    result.attempts = Counter(f"{row['attempts']} attempts" for row in rows)
    for row in rows:
        result.steps.update(json.loads(row["found"] or "{}").get("steps", {}))
    result.faults += [
        f"{row['kind']} of {row['recipient']} is {row['state']}: {row['because']}"
        for row in rows
        if row["state"] != "delivered"
    ]
    result.faults += [f"{count} runs of: {line}" for line, count in lines.items() if count > 1]
    for meeting in meetings:
        own = [one for one in found if one["parameters"].get("email") == meeting.email]
        result.faults += _faults_of(meeting, own, lines)


def _faults_of(meeting: PlannedMeeting, runs: Sequence[Mapping[str, Any]], lines: Mapping[str, int]) -> Iterator[str]:
    start = meeting.moved_to or meeting.start
    states = Counter(one["state_type"] for one in runs)
    if meeting.outcome == "cancelled":
        if states.keys() - {"CANCELLED"} or len(runs) > len(OFFSETS):
            yield f"{meeting.email} (cancelled) has flow runs in {dict(states)}"
        return
    if len(runs) != len(OFFSETS):
        yield f"{meeting.email} ({meeting.outcome}) has {len(runs)} flow runs, not {len(OFFSETS)}: {dict(states)}"
    waiting = sorted(
        datetime.fromisoformat(one["next_scheduled_start_time"]) for one in runs if one["state_type"] == "SCHEDULED"
    )
    if waiting != sorted(start - one for one in OFFSETS[1:]):
        yield f"{meeting.email} ({meeting.outcome}) has flow runs at {waiting}, not before {start}"
    line = f"{meeting.email} 72h {start:%Y-%m-%dT%H:%M:%SZ}"
    if lines.get(line, 0) != 1:
        others = [one for one in lines if one.startswith(f"{meeting.email} ")]
        yield f"{meeting.email} ({meeting.outcome}): the first reminder did not run once for {start}: {others}"


def _summarize(result: Result) -> str:
    """Returns a summary of a few lines for people."""
    return (
        f"flow runs {json.dumps(result.runs)}, {result.ran} ran; steps {json.dumps(result.steps)}; "
        f"killed {json.dumps(result.killed)}; {json.dumps(result.attempts)}; {result.seconds:.0f} s"
    )
