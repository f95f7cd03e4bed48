"""A post whose clock stands at Monday, 7 September 2026, 09:00 in UTC."""

from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.deliveries.scenario import DeliveryScenario


@pytest.fixture
def scenario(engine: AsyncEngine, workspace: UUID, account: UUID) -> DeliveryScenario:
    return DeliveryScenario(engine, workspace, account)
