"""Loads the sample into a workspace's inbox, once."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import accounts_store
from showup.access.secrets_at_rest import Seal
from showup.access.workspace import Workspace
from showup.database.engine import driver_connection
from showup.inbox.inbox_event import IncomingEvent
from showup.inbox.manual_store import insert_manual_events
from showup.inbox.store import insert_events
from showup.simulation.sample import sample_bodies
from showup.simulation.sample_moves import ACTOR, sample_moves
from showup.simulation.store import sample_loaded_at
from showup.sources.manual.translate import encode


@dataclass(frozen=True, slots=True)
class SampleLoad:
    """`stored` inbox events are waiting to be applied; 0 if the sample was already loaded at `since`."""

    stored: int
    since: datetime


async def load_sample(tx: AsyncConnection, seal: Seal, workspace: Workspace, now: datetime) -> SampleLoad:
    """Loads the sample into the workspace.

    Repeating it changes nothing: the meetings keep the times that they had when they were first loaded.
    """
    if (since := await sample_loaded_at(tx, workspace.id)) is not None:
        return SampleLoad(0, since)
    account_id = await _ensure_account(tx, seal, workspace)
    incoming = [
        IncomingEvent(account_id=account_id, workspace_id=workspace.id, body=body, received_at=now, origin="sample")
        for body in sample_bodies(now)
    ]
    connection = await driver_connection(tx)
    stored = await insert_events(connection, incoming)
    moves = [encode(move.event, at=move.at, actor=ACTOR) for move in sample_moves(now)]
    commands = await insert_manual_events(
        connection, workspace.id, moves, actor=ACTOR, received_at=now, origin="sample"
    )
    return SampleLoad(len(stored) + len(commands), now)


async def _ensure_account(tx: AsyncConnection, seal: Seal, workspace: Workspace) -> UUID:
    """Returns the account that the sample appears to come from: the workspace's first, or one created for it."""
    for account in await accounts_store.list_accounts(tx):
        if account.workspace_id == workspace.id:
            return account.id
    name = f"sample-{workspace.slug}"
    account_id = await accounts_store.add(tx, seal, name=name, workspace_id=workspace.id, credentials=None)
    assert account_id is not None, f"the account {name} belongs to another workspace"
    return account_id
