"""The scenario of campaigns, in a database of its own."""

from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.campaigns.scenario import CampaignScenario
from tests.histories.table_contents import new_account


@pytest.fixture
async def scenario(engine: AsyncEngine, tmp_path: Path) -> CampaignScenario:
    return CampaignScenario(engine, await new_account(engine), tmp_path)
