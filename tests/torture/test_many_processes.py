"""R6, in short: three web processes and three workers on one database; some of them are killed."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import system_clock
from showup.database.engine import connect, driver_connection, transaction
from showup.simulation.run import outgoing_webhooks
from showup.simulation.world import make_world
from tests.torture import checks
from tests.torture.client_workspace import Client, new_client
from tests.torture.conftest import SEED, RunRound
from tests.torture.load_sender import LoadSender, Sent
from tests.torture.many_processes import ManyProcesses
from tests.torture.programs import suspended, wait_until_gone
from tests.torture.rounds import wait_for_accounts

_WAITING_HOLDERS = """
    SELECT DISTINCT held.pid FROM pg_locks held JOIN pg_locks wanted USING (pid)
    WHERE held.locktype = 'advisory' AND held.granted AND NOT wanted.granted
"""


@pytest.fixture
async def crowd_engine(many_processes: ManyProcesses) -> AsyncIterator[AsyncEngine]:
    """Connects to the deployment's database."""
    engine = connect(many_processes.dsn)
    yield engine
    await engine.dispose()


@pytest.mark.parametrize("target", ["web", "all workers but one"])
async def test_a_kill_among_many_loses_and_doubles_nothing(
    many_processes: ManyProcesses, check_round: RunRound, target: str
) -> None:
    await check_round(many_processes, target)


async def test_one_worker_has_a_workspace_until_it_dies_and_then_another_one(
    many_processes: ManyProcesses, crowd_engine: AsyncEngine
) -> None:
    """A lock of this test on the workspace's counter blocks the first worker in the middle of its transaction."""
    many_processes.restart_dead()
    async with transaction(crowd_engine) as tx:
        first_client, second_client = await new_client(tx, "handed-over"), await new_client(tx, "beside")
    first, *rest = many_processes.workers
    async with _hold_counter(crowd_engine, first_client.id):
        with suspended(child for worker in rest for child in worker.children("work")):
            sent = await _send_webhooks(many_processes, first_client)
            holder = await _waiting_holder(crowd_engine)
        # The other workers run and apply another workspace's events; they leave this workspace to the worker that holds
        # it.
        await _send_webhooks(many_processes, second_client)
        await checks.wait_until_idle(crowd_engine, second_client.id)
        assert "pending" not in await _states(crowd_engine, second_client.id)
        assert await _states(crowd_engine, first_client.id) == {"pending", "duplicate"}
        assert await _waiting_holder(crowd_engine) == holder
        wait_until_gone(first.kill())
    await checks.wait_until_idle(crowd_engine, first_client.id)
    assert await checks.faults_in_the_log(crowd_engine, first_client, sent) == []


async def _send_webhooks(many_processes: ManyProcesses, client: Client) -> Sent:
    rng, sent = random.Random(SEED), Sent()  # noqa: S311  # the same each time
    await wait_for_accounts(many_processes.addresses, client, rng, sent)
    world = make_world(SEED, system_clock(), 60)
    await LoadSender(lambda: many_processes.addresses, rng, sent).send(
        outgoing_webhooks(world, client.endpoints, chaos=True)
    )
    return sent


@asynccontextmanager
async def _hold_counter(engine: AsyncEngine, workspace_id: UUID) -> AsyncIterator[None]:
    async with transaction(engine) as tx:
        await (await driver_connection(tx)).execute(
            "SELECT FROM workspaces WHERE id = $1 FOR NO KEY UPDATE", workspace_id
        )
        yield


async def _waiting_holder(engine: AsyncEngine) -> int:
    while True:
        async with transaction(engine) as tx:
            rows: list[asyncpg.Record] = await (await driver_connection(tx)).fetch(_WAITING_HOLDERS)
        if rows:
            (row,) = rows
            pid: int = row["pid"]
            return pid


async def _states(engine: AsyncEngine, workspace_id: UUID) -> set[str]:
    async with transaction(engine) as tx:
        query = "SELECT DISTINCT state FROM inbox_events WHERE workspace_id = $1"
        return {row["state"] for row in await (await driver_connection(tx)).fetch(query, workspace_id)}
