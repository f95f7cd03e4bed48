"""Cuts a host off from the database under load, without a trace, and heals the network: nothing is lost or doubled.

`serve` runs on the host that is cut off, with its workers, and a second worker beside the database. While the host is
cut off, it answers webhooks with 503, and the other worker takes over what was stored before. Connections are half
open: both ends must notice that themselves, or the database would keep the locks of the lost host.
"""

import argparse
import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import system_clock
from showup.database.engine import connect, driver_connection, transaction
from showup.simulation.run import outgoing_webhooks
from showup.simulation.world import make_world
from tests.torture import checks
from tests.torture.client_workspace import SECRET_KEY, Client, new_client
from tests.torture.cut_network import DATABASE_FOR_HOST, HOST_FOR_SENDER, CutNetwork, cut_network, unsupported_reason
from tests.torture.load_sender import LoadSender, Sent
from tests.torture.programs import Program
from tests.torture.report import Report, describe_load
from tests.torture.rounds import run_proofs, wait_for_accounts
from tests.torture.tcp_postgres import tcp_postgres

# Shorter and longer than each time limit of a connection: TCP's own, and those of our statements.
_CUTS: Sequence[float] = (2.0, 8.0, 40.0)
_BETWEEN = 5.0
PER_SECOND = 100.0
# An outage that nobody reports is noticed by both ends within 25 s; what was in progress is then done again.
_TAKEN_OVER_WITHIN = 35.0
_RECOVERED_WITHIN = 30.0


@dataclass(slots=True)
class Result:
    """`recovered_after` and `taken_over_after` are in seconds, one for each cut that was long enough to tell."""

    sent: Sent = field(default_factory=Sent)
    recovered_after: list[float] = field(default_factory=list)
    taken_over_after: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


async def run(folder: Path, arguments: argparse.Namespace) -> Report:
    """Runs the test as the command line says."""
    if (reason := unsupported_reason()) is not None:
        return Report(f"skipped, because {reason}", "nothing was tested", ())
    result, began_at = Result(), time.monotonic()
    with ExitStack() as stack:
        network = stack.enter_context(cut_network())
        url = stack.enter_context(tcp_postgres(folder / "postgres", DATABASE_FOR_HOST))
        variables = {"DATABASE_URL": url, "SHOWUP_SECRET_KEY": SECRET_KEY}
        serve = Program(
            *(folder / "serve.log", "serve", "--host", HOST_FOR_SENDER), namespace=network.host, **variables
        )
        stack.callback(serve.stop)
        address = await asyncio.to_thread(serve.wait_for, r"running at (\S+)")
        work = Program(folder / "work.log", "work", **variables)
        stack.callback(work.stop)
        await asyncio.to_thread(work.wait_for, "(Showup runs)")
        engine = connect(url)
        try:
            result.faults += await _run(network, address, engine, arguments, result)
        finally:
            network.reconnect()
            await engine.dispose()
        if serve.death_count or work.death_count:
            result.faults.append("a process of Showup ended: look in the logs before process_ended")
        result.faults += await asyncio.to_thread(run_proofs, variables)
    summary = (
        f"cut for {', '.join(f'{one:.0f} s' for one in _CUTS)}; recovered after {_seconds(result.recovered_after)}, "
        f"other worker took over after {_seconds(result.taken_over_after)}; "
        f"{describe_load(result.sent, arguments.per_second or PER_SECOND)}; {time.monotonic() - began_at:.0f} s"
    )
    return Report(summary, "no event lost or duplicated", result.faults)


async def _run(
    network: CutNetwork, address: str, engine: AsyncEngine, arguments: argparse.Namespace, result: Result
) -> list[str]:
    per_second = arguments.per_second or PER_SECOND
    rng = random.Random(arguments.seed)  # noqa: S311  # the same seed repeats the webhooks
    async with transaction(engine) as tx:
        client = await new_client(tx, "network")
    await wait_for_accounts([address], client, rng, result.sent)
    seconds = sum(_CUTS) + _BETWEEN * (len(_CUTS) + 1)
    world = make_world(arguments.seed, system_clock(), round(per_second * seconds))
    sender = LoadSender(lambda: [address], rng, result.sent, per_second=per_second)
    sending = asyncio.create_task(sender.send(outgoing_webhooks(world, client.endpoints, chaos=True)))
    for cut_for in _CUTS:
        await asyncio.sleep(_BETWEEN)
        network.cut()
        await _watch_cut(engine, client, cut_for, result)
        network.reconnect()
        await _wait_for_recovery(result)
    await sending
    await checks.wait_until_idle(engine, client.id)
    return [
        *(f"answered {status}, {count} times" for status, count in result.sent.unexpected.items()),
        *await checks.faults_in_the_log(engine, client, result.sent),
        *await checks.faults_in_the_api(address, client, world),
        *await checks.faults_after_replay(engine, client),
    ]


async def _watch_cut(engine: AsyncEngine, client: Client, cut_for: float, result: Result) -> None:
    """Waits for the end of a cut; in a long one, the other worker must finish what the database has."""
    began_at = time.monotonic()
    if cut_for > _TAKEN_OVER_WITHIN:
        await _wait_until_applied(engine, client, cut_for)
        took = time.monotonic() - began_at
        result.taken_over_after.append(took)
        if took > _TAKEN_OVER_WITHIN:
            result.faults.append(f"the other worker needed {took:.0f} s to take over")
    await asyncio.sleep(max(0.0, began_at + cut_for - time.monotonic()))


async def _wait_for_recovery(result: Result) -> None:
    began_at, before = time.monotonic(), len(result.sent.promises)
    while len(result.sent.promises) == before:  # another task appends to it
        if time.monotonic() - began_at > _RECOVERED_WITHIN:
            break
        await asyncio.sleep(0.05)
    took = time.monotonic() - began_at
    result.recovered_after.append(took)
    if took >= _RECOVERED_WITHIN:
        result.faults.append(f"no webhook was accepted within {took:.0f} s after the network had healed")


async def _wait_until_applied(engine: AsyncEngine, client: Client, seconds: float) -> None:
    query = "SELECT count(*) FROM inbox_events WHERE workspace_id = $1 AND state IN ('pending', 'failed')"
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        async with transaction(engine) as tx:
            if not await (await driver_connection(tx)).fetchval(query, client.id):
                return
        await asyncio.sleep(0.2)


def _seconds(times: Sequence[float]) -> str:
    return ", ".join(f"{one:.1f} s" for one in times) or "(no cut was long enough)"
