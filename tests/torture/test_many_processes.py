"""R6, in short: three web processes and three workers on one database, of which some are killed."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import system_clock
from showup.database.engine import connect, raw, transaction
from showup.simulation.run import webhooks
from showup.simulation.world import make_world
from tests.torture import checks
from tests.torture.client_workspace import Client, new_client
from tests.torture.conftest import SEED, PlayedOn
from tests.torture.crowd import Crowd
from tests.torture.programs import gone, stopped
from tests.torture.rounds import introduced
from tests.torture.sending import Sender, Sent

_WAITING_HOLDERS = """
    SELECT DISTINCT held.pid FROM pg_locks held JOIN pg_locks wanted USING (pid)
    WHERE held.locktype = 'advisory' AND held.granted AND NOT wanted.granted
"""


@pytest.fixture
async def behind(crowd: Crowd) -> AsyncIterator[AsyncEngine]:
    """The crowd's database, seen from behind."""
    engine = connect(crowd.dsn)
    yield engine
    await engine.dispose()


@pytest.mark.parametrize("victim", ["web", "all workers but one"])
async def test_a_kill_among_many_loses_and_doubles_nothing(crowd: Crowd, played: PlayedOn, victim: str) -> None:
    await played(crowd, victim)


async def test_one_worker_has_a_workspace_until_it_dies_and_then_another_one(crowd: Crowd, behind: AsyncEngine) -> None:
    """The first worker is held up in the middle of its transaction, by a lock of ours on the workspace's counter."""
    crowd.mend()
    async with transaction(behind) as tx:
        one, other = await new_client(tx, "handed-over"), await new_client(tx, "beside")
    first, *rest = crowd.workers
    async with _counter_held(behind, one.id):
        with stopped(child for worker in rest for child in worker.children("work")):
            sent = await _told(crowd, one)
            holder = await _waiting_holder(behind)
        # The others are awake and go on with another workspace; this one they leave to its holder.
        await _told(crowd, other)
        await checks.idle(behind, other.id)
        assert "kept" not in await _states(behind, other.id)
        assert await _states(behind, one.id) == {"kept", "duplicate"}
        assert await _waiting_holder(behind) == holder
        gone(first.kill())
    await checks.idle(behind, one.id)
    assert await checks.faults_in_the_log(behind, one, sent) == []


async def _told(crowd: Crowd, client: Client) -> Sent:
    rng, sent = random.Random(SEED), Sent()  # noqa: S311  # chance that is the same each time
    await introduced(crowd, client, rng, sent)
    world = make_world(SEED, system_clock(), 60)
    await Sender(lambda: crowd.addresses, rng, sent).send(webhooks(world, client.doors, chaos=True))
    return sent


@asynccontextmanager
async def _counter_held(engine: AsyncEngine, workspace_id: UUID) -> AsyncIterator[None]:
    async with transaction(engine) as tx:
        await (await raw(tx)).execute("SELECT FROM workspaces WHERE id = $1 FOR NO KEY UPDATE", workspace_id)
        yield


async def _waiting_holder(engine: AsyncEngine) -> int:
    while True:
        async with transaction(engine) as tx:
            rows: list[asyncpg.Record] = await (await raw(tx)).fetch(_WAITING_HOLDERS)
        if rows:
            (row,) = rows
            pid: int = row["pid"]
            return pid


async def _states(engine: AsyncEngine, workspace_id: UUID) -> set[str]:
    async with transaction(engine) as tx:
        query = "SELECT DISTINCT state FROM calcom_events WHERE workspace_id = $1"
        return {row["state"] for row in await (await raw(tx)).fetch(query, workspace_id)}
