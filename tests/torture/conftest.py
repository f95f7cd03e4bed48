"""Deployments for the short form: each in its own folder, stopped after its tests. Rounds must find no fault."""

import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar
from uuid import uuid4

import pytest

from showup.database.engine import connect
from tests.conftest import RUN_FOLDER
from tests.torture.deployment import Deployment
from tests.torture.many_processes import ManyProcesses
from tests.torture.outages import Outages
from tests.torture.rounds import Plan, Result, run_round
from tests.torture.single_serve import SingleServe
from tests.torture.small_disk import SmallDisk, unsupported_reason

SEED = 7
_WEBHOOKS = 120
_TARGETS = (*SingleServe.targets, *SmallDisk.targets, *ManyProcesses.targets)

RunRound = Callable[..., Awaitable[Result]]


AnyDeployment = TypeVar("AnyDeployment", bound=Deployment)


def _deploy(request: pytest.FixtureRequest, kind: type[AnyDeployment]) -> Iterator[AnyDeployment]:
    folder = request.config.stash[RUN_FOLDER] / uuid4().hex[:8]
    folder.mkdir()
    # PostgreSQL runs under another account when we are root, and must be able to enter the folder.
    folder.chmod(0o711)
    deployment = kind(folder)
    yield deployment
    deployment.close()


@pytest.fixture(scope="session")
def single_serve(request: pytest.FixtureRequest) -> Iterator[Outages]:
    """Starts one `showup serve`, on a small disk where this machine can make one."""
    yield from _deploy(request, SmallDisk if unsupported_reason() is None else Outages)


@pytest.fixture(scope="session")
def many_processes(request: pytest.FixtureRequest) -> Iterator[ManyProcesses]:
    """Starts three web processes and three workers on one database."""
    yield from _deploy(request, ManyProcesses)


@pytest.fixture
def check_round() -> RunRound:
    """Runs one short round on a deployment; no event may be lost, duplicated or partly applied."""

    async def run_one(deployment: Deployment, target: str) -> Result:
        # The number depends on the process, so that each process has its own history and moment in every run.
        plan = Plan(SEED, 1 + _TARGETS.index(target), _WEBHOOKS, target=target)
        sys.stdout.write(f"seed {SEED}, round {plan.number}: {target}\n")
        engine = connect(deployment.dsn)
        try:
            result = await run_round(deployment, engine, plan, lambda: None)
        finally:
            await engine.dispose()
        assert result.faults == []
        return result

    return run_one
