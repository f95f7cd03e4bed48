"""A desk whose ClickUp has done nothing that its own document forbids, when the test is over."""

from collections.abc import AsyncIterator
from uuid import UUID

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.destinations.clickup.scenario import ClickUpScenario


@pytest.fixture
async def scenario(
    engine: AsyncEngine, workspace: UUID, account: UUID, client: httpx2.AsyncClient
) -> AsyncIterator[ClickUpScenario]:
    scenario = ClickUpScenario(engine, workspace, account, client)
    with scenario.clickup as fake:
        yield scenario
    assert fake.wrong == []
