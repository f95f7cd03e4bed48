from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access import accounts_store, keys_store, workspaces_store
from showup.access.accounts_store import list_accounts
from showup.access.keys import digest
from showup.access.secrets_at_rest import Seal
from showup.database.engine import transaction
from showup.simulation.preparing import NameTaken, Ready, give_back, prepare

SEAL = Seal.of("a key of thirty-two characters or more")
NOW = datetime(2026, 9, 15, 12, 0, tzinfo=UTC)


async def prepared(engine: AsyncEngine) -> Ready:
    async with transaction(engine) as tx:
        return await prepare(tx, SEAL, NOW)


async def test_it_makes_a_workspace_two_accounts_and_a_key_to_read_it(engine: AsyncEngine) -> None:
    ready = await prepared(engine)
    async with transaction(engine) as tx:
        workspace = await workspaces_store.find(tx, "simulation")
        accounts = await list_accounts(tx)
        permit = await keys_store.find(tx, digest(ready.key))
    assert workspace is not None
    assert permit is not None
    assert (permit.scope, permit.workspace_id) == ("read", workspace.id)
    secrets = {one.name: one.credentials(SEAL).webhook_secrets[0].value for one in accounts}
    assert secrets == dict(ready.accounts)
    assert len(set(secrets.values())) == 2


async def test_a_second_run_has_the_same_accounts_and_a_key_of_its_own(engine: AsyncEngine) -> None:
    first, second = await prepared(engine), await prepared(engine)
    assert first.accounts == second.accounts
    assert first.key != second.key


async def test_a_key_that_is_given_back_opens_nothing(engine: AsyncEngine) -> None:
    first, second = await prepared(engine), await prepared(engine)
    async with transaction(engine) as tx:
        await give_back(tx, first, NOW)
        assert await keys_store.find(tx, digest(first.key)) is None
        assert await keys_store.find(tx, digest(second.key)) is not None


async def test_somebodys_own_account_of_that_name_is_left_alone(engine: AsyncEngine, workspace: UUID) -> None:
    async with transaction(engine) as tx:
        await accounts_store.add(tx, SEAL, name="simulated-1", workspace_id=workspace, credentials=None)
    with pytest.raises(NameTaken, match="simulated-1 belongs to the workspace default"):
        await prepared(engine)
