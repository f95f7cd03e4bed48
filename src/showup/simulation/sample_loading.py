"""Puts the sample into a workspace's inbox, once."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import accounts_store
from showup.access.secrets_at_rest import Seal
from showup.access.workspace import Workspace
from showup.database.engine import raw
from showup.inbox.raw_event import Incoming
from showup.inbox.store import keep_all
from showup.simulation.sample import sample_bodies
from showup.simulation.store import sample_loaded_at


@dataclass(frozen=True, slots=True)
class Loaded:
    """`kept` raw events wait to be applied now; 0 when the sample was there since `since`."""

    kept: int
    since: datetime


async def load(tx: AsyncConnection, seal: Seal, workspace: Workspace, now: datetime) -> Loaded:
    """Loads the sample into the workspace.

    A second time changes nothing: the meetings keep the times that they had when they were loaded first.
    """
    if (since := await sample_loaded_at(tx, workspace.id)) is not None:
        return Loaded(0, since)
    account_id = await _account(tx, seal, workspace)
    incoming = [
        Incoming(account_id=account_id, workspace_id=workspace.id, body=body, received_at=now, origin="sample")
        for body in sample_bodies(now)
    ]
    return Loaded(len(await keep_all(await raw(tx), incoming)), now)


async def _account(tx: AsyncConnection, seal: Seal, workspace: Workspace) -> UUID:
    """The account that the sample is said to come from: the workspace's first, or one made for it."""
    for account in await accounts_store.list_accounts(tx):
        if account.workspace_id == workspace.id:
            return account.id
    name = f"sample-{workspace.slug}"
    made = await accounts_store.add(tx, seal, name=name, workspace_id=workspace.id, credentials=None)
    assert made is not None, f"the account {name} is another workspace's"
    return made
