"""Stages for the short form: a folder for each, ended with its tests, and rounds that must find nothing."""

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
    # PostgreSQL runs under another account when we are root, and has to pass through.
    folder.chmod(0o711)
    deployment = kind(folder)
    yield deployment
    deployment.close()


@pytest.fixture(scope="session")
def single_serve(request: pytest.FixtureRequest) -> Iterator[Outages]:
    """One `showup serve`, on a small disk where this machine makes one."""
    yield from _deploy(request, SmallDisk if unsupported_reason() is None else Outages)


@pytest.fixture(scope="session")
def many_processes(request: pytest.FixtureRequest) -> Iterator[ManyProcesses]:
    """Three that serve and three that work, on one database."""
    yield from _deploy(request, ManyProcesses)


@pytest.fixture
def check_round() -> RunRound:
    """Plays one short round on a stage; nothing may be lost, doubled or half-done."""

    async def run_one(deployment: Deployment, target: str) -> Result:
        # The number stands for the victim, so that each has its own story and moment, always the same.
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
