"""Slack on loopback, and the team that hears of things there."""

from collections.abc import Iterator
from uuid import UUID

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.destinations.far.slack import FarSlack
from tests.destinations.slack.team import Team


@pytest.fixture
def far() -> Iterator[FarSlack]:
    """Slack; at the end nothing may have been asked that its document or its limits forbid."""
    with FarSlack() as far:
        yield far
    assert far.wrong == []


@pytest.fixture
def team(engine: AsyncEngine, workspace: UUID, account: UUID, client: httpx2.AsyncClient, far: FarSlack) -> Team:
    team = Team(engine, workspace, account, client, far)
    far.clock = team.clock
    return team
