"""Slack on loopback, and the team that hears of things there."""

from collections.abc import Iterator
from uuid import UUID

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.destinations.fake_vendors.slack import FakeSlack
from tests.destinations.slack.scenario import SlackScenario


@pytest.fixture
def fake() -> Iterator[FakeSlack]:
    """Slack; at the end nothing may have been asked that its document or its limits forbid."""
    with FakeSlack() as fake:
        yield fake
    assert fake.wrong == []


@pytest.fixture
def scenario(
    engine: AsyncEngine, workspace: UUID, account: UUID, client: httpx2.AsyncClient, fake: FakeSlack
) -> SlackScenario:
    scenario = SlackScenario(engine, workspace, account, client, fake)
    fake.clock = scenario.clock
    return scenario
