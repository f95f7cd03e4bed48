"""A desk whose ClickUp has done nothing that its own document forbids, when the test is over."""

from collections.abc import AsyncIterator
from uuid import UUID

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.destinations.clickup.desk import Desk


@pytest.fixture
async def desk(engine: AsyncEngine, workspace: UUID, account: UUID, client: httpx2.AsyncClient) -> AsyncIterator[Desk]:
    desk = Desk(engine, workspace, account, client)
    with desk.clickup as far:
        yield desk
    assert far.wrong == []
