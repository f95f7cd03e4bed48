"""A fake Slack, and the team that receives notifications there."""

from collections.abc import Iterator
from uuid import UUID

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.destinations.fake_vendors.slack import FakeSlack
from tests.destinations.slack.scenario import SlackScenario


@pytest.fixture
def fake() -> Iterator[FakeSlack]:
    """A fake Slack; checks at the end that all requests match Slack's document and limits."""
    with FakeSlack() as fake:
        yield fake


@pytest.fixture
def scenario(
    engine: AsyncEngine, workspace: UUID, account: UUID, client: httpx2.AsyncClient, fake: FakeSlack
) -> SlackScenario:
    scenario = SlackScenario(engine, workspace, account, client, fake)
    fake.clock = scenario.clock
    return scenario
