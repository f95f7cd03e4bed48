"""Runs one round: load, a kill -9 at a random moment of it, recovery, the rest of the load, then the checks."""

import asyncio
import random
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import system_clock
from showup.database.engine import transaction
from showup.simulation.api_reader import ApiReadError
from showup.simulation.models import SimulatedWebhook
from showup.simulation.render import render
from showup.simulation.run import outgoing_webhooks
from showup.simulation.wire import OutgoingWebhook
from showup.simulation.world import World, make_world
from tests.showup_process import TIMEOUT, environment
from tests.torture import checks
from tests.torture.client_workspace import Client, new_client
from tests.torture.deployment import DATABASE_FAULTS, Deployment
from tests.torture.load_sender import LoadSender, Sent

PING = render(SimulatedWebhook("PING", datetime(2026, 9, 1, tzinfo=UTC), 0))
# Some faults come after the last answer: then only the applier is at work.
_FAULT_RANGE = 1.2
_MAX_DELAY = 0.4
_UNTIL_READ_AGAIN = 0.3
# Whole commands that check the whole database.
_PROOFS = (("verify",), ("rebuild", "--check"))


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a round; the target is random unless it is named."""

    seed: int
    number: int
    webhooks: int
    target: str | None = None


@dataclass(slots=True)
class Result:
    """The result; `faults` is empty when no event was lost or duplicated."""

    plan: Plan
    target: str
    fault_after: int
    sent: Sent
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)


async def run_round(deployment: Deployment, engine: AsyncEngine, plan: Plan, on_promise: Callable[[], None]) -> Result:
    """Runs the round to its end, whatever happens; a hang is a fault too."""
    began_at = time.monotonic()
    rng = random.Random(f"{plan.seed}/{plan.number}")  # noqa: S311  # the same seed repeats the round
    async with transaction(engine) as tx:
        client = await new_client(tx, f"round-{plan.number}")
    world = make_world(plan.seed * 1_000_000 + plan.number, system_clock(), plan.webhooks)
    outgoing = outgoing_webhooks(world, client.endpoints, chaos=True)
    sender = LoadSender(lambda: deployment.addresses, rng, Sent())
    target = plan.target or rng.choice(deployment.targets)
    result = Result(plan, target, int(len(outgoing) * rng.uniform(0, _FAULT_RANGE)), sender.sent)
    try:
        await wait_for_accounts(deployment.addresses, client, rng, sender.sent)
        sender.on_promise = on_promise
        deaths_before = deployment.death_count
        await _send_with_fault(deployment, sender, outgoing, result, rng)
        await asyncio.to_thread(deployment.wait_until_ready)
        if target in DATABASE_FAULTS and deployment.death_count > deaths_before:
            result.faults.append("the fault ended a process of Showup: look in the logs before process_ended")
        result.faults += await _faults(deployment, engine, client, world, result)
    except (AssertionError, TimeoutError, ApiReadError, ExceptionGroup) as fault:
        result.faults.append("it did not recover: " + "".join(traceback.format_exception(fault)))
    result.seconds = time.monotonic() - began_at
    return result


async def _faults(
    deployment: Deployment, engine: AsyncEngine, client: Client, world: World, result: Result
) -> list[str]:
    await checks.wait_until_idle(engine, client.id)
    faults = [f"answered {status}, {count} times" for status, count in result.sent.unexpected.items()]
    faults += await checks.faults_in_the_log(engine, client, result.sent)
    faults += await checks.faults_in_the_api(deployment.addresses[0], client, world)
    # When applying goes on failing, a second wait would only fail again.
    return faults or await checks.faults_after_replay(engine, client)


async def wait_for_accounts(addresses: Sequence[str], client: Client, rng: random.Random, sent: Sent) -> None:
    """Waits until every webhook endpoint knows the new accounts.

    A process reads the accounts every other second, and for a name that it does not know again after a quarter of one.
    """
    await asyncio.sleep(_UNTIL_READ_AGAIN)
    for address in addresses:
        sender = LoadSender(lambda address=address: [address], rng, sent)  # type: ignore[misc] # a default binds it
        await sender.send([OutgoingWebhook(endpoint, PING) for endpoint in client.endpoints])


async def _send_with_fault(
    deployment: Deployment, sender: LoadSender, outgoing: list[OutgoingWebhook], result: Result, rng: random.Random
) -> None:
    send_task = asyncio.create_task(sender.send(outgoing))
    await sender.wait_for_accepted(min(result.fault_after, len(outgoing)))
    if result.fault_after >= len(outgoing):
        await asyncio.sleep(rng.uniform(0, _MAX_DELAY))
    try:
        await deployment.inject_fault(result.target, rng, sender)
        await asyncio.to_thread(deployment.restart_dead)
    finally:
        await send_task


def run_proofs(variables: Mapping[str, str]) -> list[str]:
    """Runs Showup's own checks of the whole database; returns a sentence for each that finds a fault."""
    return [
        f"showup {' '.join(arguments)} ended with {completed.returncode}: "
        f"{completed.stdout[-2000:]}{completed.stderr[-2000:]}"
        for arguments in _PROOFS
        if (completed := _run_command(variables, *arguments)).returncode != 0
    ]


def _run_command(variables: Mapping[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "showup", *arguments],
        capture_output=True,
        text=True,
        env=environment(**variables),
        timeout=10 * TIMEOUT,
        check=False,
    )
