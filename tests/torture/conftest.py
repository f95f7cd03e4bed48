"""Stages for the short form: a folder for each, ended with its tests, and rounds that must find nothing."""

import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar
from uuid import uuid4

import pytest

from showup.database.engine import connect
from tests.conftest import RUN_FOLDER
from tests.torture.alone import Alone
from tests.torture.crowd import Crowd
from tests.torture.outages import Outages
from tests.torture.rounds import Plan, Result, play
from tests.torture.small_disk import SmallDisk, refusal
from tests.torture.stage import Stage

SEED = 7
_WEBHOOKS = 120
_VICTIMS = (*Alone.victims, *SmallDisk.victims, *Crowd.victims)

PlayedOn = Callable[..., Awaitable[Result]]


AnyStage = TypeVar("AnyStage", bound=Stage)


def _stage(request: pytest.FixtureRequest, kind: type[AnyStage]) -> Iterator[AnyStage]:
    folder = request.config.stash[RUN_FOLDER] / uuid4().hex[:8]
    folder.mkdir()
    # PostgreSQL runs under another account when we are root, and has to pass through.
    folder.chmod(0o711)
    stage = kind(folder)
    yield stage
    stage.close()


@pytest.fixture(scope="session")
def alone(request: pytest.FixtureRequest) -> Iterator[Outages]:
    """One `showup serve`, on a small disk where this machine makes one."""
    yield from _stage(request, SmallDisk if refusal() is None else Outages)


@pytest.fixture(scope="session")
def crowd(request: pytest.FixtureRequest) -> Iterator[Crowd]:
    """Three that serve and three that work, on one database."""
    yield from _stage(request, Crowd)


@pytest.fixture
def played() -> PlayedOn:
    """Plays one short round on a stage; nothing may be lost, doubled or half-done."""

    async def one(stage: Stage, victim: str) -> Result:
        # The number stands for the victim, so that each has its own story and moment, always the same.
        plan = Plan(SEED, 1 + _VICTIMS.index(victim), _WEBHOOKS, victim=victim)
        sys.stdout.write(f"seed {SEED}, round {plan.number}: {victim}\n")
        engine = connect(stage.dsn)
        try:
            result = await play(stage, engine, plan, lambda: None)
        finally:
            await engine.dispose()
        assert result.faults == []
        return result

    return one
