"""A workspace at Monday, 7 September 2026, 09:00 UTC."""

from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.deliveries.scenario import DeliveryScenario


@pytest.fixture
def scenario(engine: AsyncEngine, workspace: UUID, account: UUID) -> DeliveryScenario:
    return DeliveryScenario(engine, workspace, account)
