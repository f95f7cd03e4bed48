"""One round: load, a kill -9 at a random moment of it, recovery, the rest of the load, and then the count."""

import asyncio
import random
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import system_clock
from showup.database.engine import transaction
from showup.simulation.reading import CannotRead
from showup.simulation.run import webhooks
from showup.simulation.wire import Outgoing
from showup.simulation.world import World, make_world
from tests.serving import AT_MOST, environment
from tests.torture import checks
from tests.torture.client_workspace import Client, new_client
from tests.torture.sending import Sender, Sent
from tests.torture.stage import OF_THE_DATABASE, Stage

PING = b'{"triggerEvent":"PING","createdAt":"2026-09-01T00:00:00.000Z","payload":{}}'
# Some strikes hit what comes after the last answer: by then only the applier is at work.
_BEYOND_THE_END = 1.2
_LATE_BY = 0.4
# Whole commands that prove the whole database. They are part of the torture as soon as Showup has them.
_PROOFS = (("verify",), ("rebuild", "--check"))


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done in a round; the victim is left to chance unless it is named."""

    seed: int
    number: int
    webhooks: int
    victim: str | None = None


@dataclass(slots=True)
class Result:
    """What came of it; `faults` is empty when nothing was lost and nothing doubled."""

    plan: Plan
    victim: str
    struck_after: int
    sent: Sent
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)


async def play(stage: Stage, engine: AsyncEngine, plan: Plan, on_promise: Callable[[], None]) -> Result:
    """Plays the round to its end, whatever happens; what hangs is a fault too."""
    began_at = time.monotonic()
    rng = random.Random(f"{plan.seed}/{plan.number}")  # noqa: S311  # chance that comes again with its seed
    async with transaction(engine) as tx:
        client = await new_client(tx, f"round-{plan.number}")
    world = make_world(plan.seed * 1_000_000 + plan.number, system_clock(), plan.webhooks)
    outgoing = webhooks(world, client.doors, chaos=True)
    sender = Sender(lambda: stage.addresses, rng, Sent())
    victim = plan.victim or rng.choice(stage.victims)
    result = Result(plan, victim, int(len(outgoing) * rng.uniform(0, _BEYOND_THE_END)), sender.sent)
    try:
        await introduced(stage, client, rng, sender.sent)
        sender.on_promise = on_promise
        deaths = stage.deaths
        await _under_fire(stage, sender, outgoing, result, rng)
        await asyncio.to_thread(stage.ready)
        if victim in OF_THE_DATABASE and stage.deaths > deaths:
            result.faults.append("a process of Showup died of it: look for process_ended and what stands before")
        result.faults += await _faults(stage, engine, client, world, result)
    except (AssertionError, TimeoutError, CannotRead, ExceptionGroup) as fault:
        result.faults.append("it did not come back: " + "".join(traceback.format_exception(fault)))
    result.seconds = time.monotonic() - began_at
    return result


async def _faults(stage: Stage, engine: AsyncEngine, client: Client, world: World, result: Result) -> list[str]:
    await checks.idle(engine, client.id)
    faults = [f"answered {status}, {count} times" for status, count in result.sent.odd.items()]
    faults += await checks.faults_in_the_log(engine, client, result.sent)
    faults += await checks.faults_by_the_api(stage.addresses[0], client, world)
    # A fold that goes on failing would only be waited for once more.
    return faults or await checks.faults_told_again(engine, client)


async def introduced(stage: Stage, client: Client, rng: random.Random, sent: Sent) -> None:
    """Every door knows the new accounts: they are read anew every other second."""
    for address in stage.addresses:
        sender = Sender(lambda address=address: [address], rng, sent)  # type: ignore[misc] # a default binds it
        await sender.send([Outgoing(door, PING) for door in client.doors])


async def _under_fire(
    stage: Stage, sender: Sender, outgoing: list[Outgoing], result: Result, rng: random.Random
) -> None:
    sending = asyncio.create_task(sender.send(outgoing))
    await sender.promised(min(result.struck_after, len(outgoing)))
    if result.struck_after >= len(outgoing):
        await asyncio.sleep(rng.uniform(0, _LATE_BY))
    try:
        await stage.strike(result.victim, rng, sender)
        await asyncio.to_thread(stage.mend)
    finally:
        await sending


def proofs(stage: Stage) -> list[str]:
    """What Showup's own commands say of the whole database; a sentence for each that finds a fault."""
    return [
        f"showup {' '.join(words)} ended with {said.returncode}: {said.stdout[-2000:]}{said.stderr[-2000:]}"
        for words in _PROOFS
        if (said := _run(stage, *words)).returncode != 0
    ]


def _run(stage: Stage, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "showup", *words],
        capture_output=True,
        text=True,
        env=environment(**stage.variables),
        timeout=10 * AT_MOST,
        check=False,
    )
