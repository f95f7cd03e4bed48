"""Removes the workspace that `showup simulate` made, with its accounts and keys, once nothing else is in it."""

import asyncio
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access import accounts_store, workspaces_store
from showup.access.account import Credentials
from showup.access.directory import MAX_AGE
from showup.access.secrets_at_rest import Seal
from showup.database.engine import driver_connection, transaction
from showup.inbox.apply import lock_pipeline
from showup.inbox.ingest_writer import STORE_TIMEOUT
from showup.simulation import removal_store
from showup.simulation.preparation import ACCOUNTS, WORKSPACE

# Until then, a process may still accept a webhook for an account that it knew.
UNTIL_FORGOTTEN: Final = MAX_AGE.total_seconds() + 2 * STORE_TIMEOUT


async def remove_workspace(engine: AsyncEngine, seal: Seal, *, wait: float = UNTIL_FORGOTTEN) -> str | None:
    """Removes the simulation's workspace; returns what else it contains, in words, if it stays because of that.

    First the accounts lose their secrets. The rows go `wait` seconds later, when no process accepts their webhooks.
    """
    async with transaction(engine) as tx:
        workspace = await workspaces_store.find(tx, WORKSPACE)
        if workspace is None:
            return None
        if other := await removal_store.other_contents(await driver_connection(tx), workspace.id, ACCOUNTS):
            return other
        for account in await accounts_store.list_accounts(tx, ACCOUNTS):
            await accounts_store.set_credentials(tx, seal, account.id, Credentials())
    await asyncio.sleep(wait)
    return await _delete(engine, workspace.id)


async def _delete(engine: AsyncEngine, workspace_id: UUID) -> str | None:
    async with transaction(engine) as tx:
        connection = await driver_connection(tx)
        await lock_pipeline(connection, workspace_id)
        # A run that began meanwhile has stored its events, and made new secrets.
        if other := await removal_store.other_contents(connection, workspace_id, ACCOUNTS):
            return other
        await removal_store.delete_workspace(connection, workspace_id)
    return None
