"""M01, M04, in short: what Showup accepted from people stands, although processes die and webhooks arrive late."""

import pytest

from showup.database.engine import connect
from tests.torture.conftest import SEED
from tests.torture.deployment import Deployment
from tests.torture.people_commands import CommandPlan, run_commands


# Kills make it wait for real disks, which a busy machine has too few of.
@pytest.mark.timeout(300)
@pytest.mark.parametrize("target", ["web and worker", "everything"])
async def test_no_accepted_command_is_undone(single_serve: Deployment, target: str) -> None:
    engine = connect(single_serve.dsn)
    number = {"web and worker": 1, "everything": 2}[target]
    try:
        assert await run_commands(single_serve, engine, CommandPlan(SEED, number, 8, target=target, kills=2)) == []
    finally:
        await engine.dispose()
