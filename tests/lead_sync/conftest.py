"""A fake EmailBison with two campaigns, and a workspace that is connected to it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.destinations import vendor_api
from tests.histories.table_contents import new_account
from tests.lead_sync.scenario import HookedEmailBison, LeadSyncScenario

FOUNDERS, AGENCIES = 101, 102


@pytest.fixture
def fake() -> Iterator[HookedEmailBison]:
    """A fake EmailBison; checks at the end that all requests and answers match EmailBison's document."""
    with HookedEmailBison() as fake:
        fake.workspace.add_campaign(FOUNDERS, "Founders NL")
        fake.workspace.add_campaign(AGENCIES, "Agencies")
        yield fake


@pytest.fixture
async def bison(engine: AsyncEngine, tmp_path: Path, fake: HookedEmailBison) -> AsyncIterator[LeadSyncScenario]:
    async with vendor_api.client("0") as client:
        scenario = LeadSyncScenario(engine, await new_account(engine), tmp_path, fake, client)
        await scenario.connect()
        yield scenario


@pytest.fixture
async def other(bison: LeadSyncScenario) -> LeadSyncScenario:
    """Another workspace of the same Showup, connected to the same EmailBison."""
    account = await new_account(bison.engine)
    scenario = LeadSyncScenario(bison.engine, account, bison.folder, bison.fake, bison.client)
    await scenario.connect()
    return scenario
