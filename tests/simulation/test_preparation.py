from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access import accounts_store, keys_store, workspaces_store
from showup.access.accounts_store import list_accounts
from showup.access.keys import digest
from showup.access.secrets_at_rest import Seal
from showup.database.engine import transaction
from showup.simulation.preparation import AccountNameTaken, PreparedWorkspace, prepare, revoke_key

SEAL = Seal.from_setting("a key of thirty-two characters or more")
NOW = datetime(2026, 9, 15, 12, 0, tzinfo=UTC)


async def prepare_workspace(engine: AsyncEngine) -> PreparedWorkspace:
    async with transaction(engine) as tx:
        return await prepare(tx, SEAL, NOW)


async def test_it_makes_a_workspace_two_accounts_and_a_key_to_compare_it(engine: AsyncEngine) -> None:
    prepared = await prepare_workspace(engine)
    async with transaction(engine) as tx:
        workspace = await workspaces_store.find(tx, "simulation")
        accounts = await list_accounts(tx)
        permission = await keys_store.find(tx, digest(prepared.key))
    assert workspace is not None
    assert permission is not None
    assert (permission.scope, permission.workspace_id) == ("write", workspace.id)
    secrets = {one.name: one.credentials(SEAL).webhook_secrets[0].value for one in accounts}
    assert secrets == dict(prepared.accounts)
    assert len(set(secrets.values())) == 2


async def test_a_second_run_has_the_same_accounts_and_a_key_of_its_own(engine: AsyncEngine) -> None:
    first, second = await prepare_workspace(engine), await prepare_workspace(engine)
    assert first.accounts == second.accounts
    assert first.key != second.key


async def test_a_revoked_key_is_not_found(engine: AsyncEngine) -> None:
    first, second = await prepare_workspace(engine), await prepare_workspace(engine)
    async with transaction(engine) as tx:
        await revoke_key(tx, first, NOW)
        assert await keys_store.find(tx, digest(first.key)) is None
        assert await keys_store.find(tx, digest(second.key)) is not None


async def test_an_existing_account_of_that_name_is_not_changed(engine: AsyncEngine, workspace: UUID) -> None:
    async with transaction(engine) as tx:
        await accounts_store.add(tx, SEAL, name="simulated-1", workspace_id=workspace, credentials=None)
    with pytest.raises(AccountNameTaken, match="simulated-1 belongs to the workspace default"):
        await prepare_workspace(engine)
