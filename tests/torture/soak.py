"""Sends webhooks at a steady rate for a long time, and compares the memory of each process at the end and early on.

Mails go to a fake mail provider on this machine, and a client reads the API and follows the stream of changes
meanwhile. PostgreSQL is not compared: its shared buffers fill as the data grow.
"""

import argparse
import asyncio
import random
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import httpx2
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import system_clock
from showup.database.engine import connect, driver_connection, transaction
from showup.simulation.run import outgoing_webhooks
from showup.simulation.wire import TargetEndpoint
from showup.simulation.world import make_world
from tests.destinations.fake_vendors.resend import FakeResend
from tests.showup_process import ADMIN_KEY, SECRET
from tests.torture import checks
from tests.torture.client_workspace import SECRET_KEY, Client
from tests.torture.load_sender import LoadSender, Sent
from tests.torture.memory import describe_growth, growth_of, sample_memory
from tests.torture.programs import Program, socket_folder
from tests.torture.report import Report, describe_load
from tests.torture.rounds import run_proofs

PER_SECOND: Final = 20.0
SAMPLES: Final = 30
_READS: Final = ("/api/deals", "/api/bookings?limit=50", "/api/stats", "/api/deliveries", "/api/events", "/metrics")
_POLICY: Final = '[[senders]]\nfrom = "team@outbound.example"\n[reminders]\noffsets_before = ["24h"]\n'


async def run(folder: Path, arguments: argparse.Namespace) -> Report:
    """Runs the test as the command line says."""
    (folder / "showup.toml").write_text(_POLICY, encoding="utf-8")
    sent, samples = Sent(), dict[str, list[float]]()
    with FakeResend(per_second=None) as provider:
        variables = {
            "SHOWUP_DATA_DIR": str(folder / "data"),
            "SHOWUP_SECRET_KEY": SECRET_KEY,
            "SHOWUP_CONFIG": str(folder / "showup.toml"),
            "RESEND_API_KEY": provider.key,
            "RESEND_API_URL": provider.url,
        }
        serve = Program(folder / "serve.log", "serve", "--port", "0", **variables)
        try:
            await _send(serve, folder / "data", arguments, sent, samples)
            faults = await _faults(folder / "data", sent)
            faults += await asyncio.to_thread(run_proofs, variables)
            if serve.death_count:
                faults.append("a process of Showup ended: look in the log before process_ended")
        finally:
            provider.release()
            serve.stop()
    growths = {name: growth_of(values) for name, values in samples.items() if len(values) > SAMPLES / 2}
    faults += [f"{name} grew: {describe_growth(one)}" for name, one in growths.items() if one.is_leak]
    memory = "; ".join(f"{name} {describe_growth(one)}" for name, one in growths.items())
    load = describe_load(sent, arguments.per_second or PER_SECOND)
    summary = f"{arguments.minutes:g} minutes; {load}; {len(provider.sent):,} mails; {memory}"
    return Report(summary, "no process grew, and no event was lost or duplicated", faults)


async def _send(
    serve: Program, data: Path, arguments: argparse.Namespace, sent: Sent, samples: dict[str, list[float]]
) -> None:
    seconds, per_second = 60 * arguments.minutes, arguments.per_second or PER_SECOND
    world = make_world(arguments.seed, system_clock(), round(per_second * seconds))
    endpoint = TargetEndpoint("/webhooks/calcom/default", SECRET)
    # Without their mark, so that Showup mails what they call for.
    outgoing = [replace(one, simulated=False) for one in outgoing_webhooks(world, [endpoint], chaos=True)]
    address = await asyncio.to_thread(serve.wait_for, r"running at (\S+)")
    rng = random.Random(arguments.seed)  # noqa: S311  # the same seed repeats the webhooks
    sender = LoadSender(lambda: [address], rng, sent, per_second=per_second)
    tasks = [
        asyncio.create_task(_read(address)),
        asyncio.create_task(sample_memory(serve, data, seconds / SAMPLES, samples)),
    ]
    await sender.send(outgoing)
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _read(address: str) -> None:
    """Reads what dashboards and programs read, and follows the stream of changes, over and over."""
    headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
    async with httpx2.AsyncClient(base_url=address, headers=headers, timeout=10, trust_env=False) as client:
        while True:
            for path in _READS:
                with suppress(httpx2.TransportError):
                    await client.get(path)
                await asyncio.sleep(0.2)
            with suppress(httpx2.TransportError, TimeoutError):
                async with asyncio.timeout(2), client.stream("GET", "/api/live?workspace=default") as stream:
                    async for _ in stream.aiter_bytes():
                        pass


async def _faults(data: Path, sent: Sent) -> list[str]:
    engine = connect(f"postgresql://showup@/showup?host={socket_folder(data)}&port=5432")
    try:
        client = await _default_client(engine)
        await checks.wait_until_idle(engine, client.id)
        unexpected = [f"answered {status}, {count} times" for status, count in sent.unexpected.items()]
        return unexpected + await checks.faults_in_the_log(engine, client, sent)
    finally:
        await engine.dispose()


async def _default_client(engine: AsyncEngine) -> Client:
    async with transaction(engine) as tx:
        query = "SELECT id, workspace_id FROM connections WHERE kind = 'calcom' AND name = 'default'"
        row = await (await driver_connection(tx)).fetchrow(query)
    return Client(row["workspace_id"], "default", {"default": row["id"]}, ADMIN_KEY)
