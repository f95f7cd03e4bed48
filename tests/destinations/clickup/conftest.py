"""A workspace connected to a fake ClickUp; each test ends with a check of its requests against ClickUp's document."""

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
    with scenario.clickup:
        yield scenario
