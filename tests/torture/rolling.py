"""Restarts two web servers and two workers one after the other, under load, and upgrades them: no webhook is refused.

The servers run as deploy/ runs them: each with a parent of its own, on one PostgreSQL, behind a load balancer that asks
/readyz. SIGTERM stops one. The first restart of each begins a newer version, whose migration changes the busiest
tables while the older version works.
"""

import argparse
import asyncio
import random
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import system_clock
from showup.database.embedded.server import EmbeddedPostgres
from showup.database.engine import connect, transaction
from showup.simulation.run import outgoing_webhooks
from showup.simulation.world import make_world
from tests.showup_process import TIMEOUT
from tests.torture import checks
from tests.torture.balancer import CHECK_INTERVAL, Balancer
from tests.torture.client_workspace import SECRET_KEY, new_client
from tests.torture.load_sender import LoadSender, Sent
from tests.torture.programs import Program
from tests.torture.report import Report, describe_load
from tests.torture.rounds import run_proofs, wait_for_accounts
from tests.torture.single_serve import fixed_port
from tests.torture.versions import new_version, old_version

PER_SECOND = 200.0
_COUNT = 2
# Longer than a balancer needs to notice: one check that is late by its interval.
_DRAIN_SECONDS = 2 * CHECK_INTERVAL + 1
_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Plan:
    """`old` is a commit or tag; `seconds` is how long the load lasts."""

    seed: int
    per_second: float
    seconds: float
    old: str


@dataclass(slots=True)
class Result:
    """The result; `faults` is empty when no webhook was refused, lost or duplicated."""

    sent: Sent = field(default_factory=Sent)
    restarts: int = 0
    failed_starts: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)


class RollingServers:
    """Two web servers and two workers, which restart one after the other at the same address."""

    def __init__(self, folder: Path, old: Path, new: Path) -> None:
        self._folder = folder
        self._new = new
        self._postgres = EmbeddedPostgres(folder / "data")
        self._ports = [fixed_port() for _ in range(_COUNT)]
        self.addresses = [f"http://127.0.0.1:{port}" for port in self._ports]
        self.failed_starts = 0
        self._programs: dict[str, Program] = {}
        self._postgres.open()
        try:
            for name in self._names():
                self._start(name, old)
        except BaseException:
            self.close()
            raise

    @property
    def dsn(self) -> str:
        """Returns the address of the database."""
        return self._postgres.dsn

    @property
    def variables(self) -> Mapping[str, str]:
        """Returns the settings of the newer version."""
        return self._variables(self._new)

    def restart_next(self, number: int) -> None:
        """Stops one program with SIGTERM and starts the newer version of it; returns when that is ready."""
        names = self._names()
        name = names[number % len(names)]
        program = self._programs[name]
        program.process.send_signal(signal.SIGTERM)
        code = program.process.wait(TIMEOUT)
        assert code == 0, f"{name} ended with status {code} and this output:\n{program.output()}"
        self._start(name, self._new)

    def _start(self, name: str, source: Path) -> None:
        # A migration that would block others for long gives up, and the service manager starts the program again.
        for _ in range(_ATTEMPTS):
            kind, _, index = name.partition("-")
            arguments = ("serve", "--no-work", "--port", self._ports[int(index)]) if kind == "web" else ("work",)
            program = Program(self._folder / f"{name}.log", *arguments, **self._variables(source))
            self._programs[name] = program
            try:
                program.wait_for(r"(running at \S+|Showup runs)")
            except AssertionError:
                if program.is_running:
                    raise
                self.failed_starts += 1
            else:
                return
        raise AssertionError(f"{name} did not start:\n{self._programs[name].output()}")

    def close(self) -> None:
        """Stops everything."""
        for program in self._programs.values():
            program.interrupt()
        for program in self._programs.values():
            program.process.wait(TIMEOUT)
        self._postgres.close()

    def _variables(self, source: Path) -> dict[str, str]:
        return {
            "DATABASE_URL": self.dsn,
            "SHOWUP_SECRET_KEY": SECRET_KEY,
            "SHOWUP_DRAIN_SECONDS": str(_DRAIN_SECONDS),
            "PYTHONPATH": str(source),
        }

    def _names(self) -> list[str]:
        return [f"{kind}-{number}" for number in range(_COUNT) for kind in ("web", "work")]


async def run(folder: Path, arguments: argparse.Namespace) -> Report:
    """Runs the test as the command line says."""
    plan = Plan(arguments.seed, arguments.per_second or PER_SECOND, 60 * arguments.minutes, arguments.old)
    result = await run_plan(folder, plan)
    summary = (
        f"{result.restarts} restarts, from {plan.old} to a newer version ({result.failed_starts} starts repeated); "
        f"{describe_load(result.sent, plan.per_second)}; {result.seconds:.0f} s"
    )
    return Report(summary, "no webhook refused, lost or duplicated", result.faults)


async def run_plan(folder: Path, plan: Plan) -> Result:
    """Runs the plan from an empty folder to the checks of all data."""
    result, began_at = Result(), time.monotonic()
    servers = await asyncio.to_thread(
        lambda: RollingServers(folder, old_version(folder / "old", plan.old), new_version(folder / "new"))
    )
    engine = connect(servers.dsn)
    try:
        result.faults += await _run(servers, engine, plan, result)
        result.faults += await asyncio.to_thread(run_proofs, servers.variables)
    finally:
        await engine.dispose()
        await asyncio.to_thread(servers.close)
    result.seconds = time.monotonic() - began_at
    return result


async def _run(servers: RollingServers, engine: AsyncEngine, plan: Plan, result: Result) -> list[str]:
    rng = random.Random(plan.seed)  # noqa: S311  # the same seed repeats the webhooks
    async with transaction(engine) as tx:
        client = await new_client(tx, "rolling")
    world = make_world(plan.seed, system_clock(), round(plan.per_second * plan.seconds))
    await wait_for_accounts(servers.addresses, client, rng, result.sent)
    # Until a server has read the new accounts, it refuses their webhooks.
    result.sent.retried.clear()
    balancer = Balancer(servers.addresses)
    sender = LoadSender(lambda: balancer.ready or servers.addresses, rng, result.sent, per_second=plan.per_second)
    async with balancer.running():
        sending = asyncio.create_task(sender.send(outgoing_webhooks(world, client.endpoints, chaos=True)))
        while not sending.done():
            await asyncio.to_thread(servers.restart_next, result.restarts)
            result.restarts += 1
            # The balancer must have noticed that this one is back before the next one goes.
            await asyncio.wait({sending}, timeout=2 * CHECK_INTERVAL)
        await sending
    result.failed_starts = servers.failed_starts
    await checks.wait_until_idle(engine, client.id)
    refused = {**result.sent.retried, **result.sent.unexpected}
    return [
        *(f"refused: {count} × {reason}" for reason, count in refused.items()),
        *await checks.faults_in_the_log(engine, client, result.sent),
        *await checks.faults_in_the_api(servers.addresses[0], client, world),
        *await checks.faults_after_replay(engine, client),
    ]
