"""Executes commands as the API does: in one transaction, by one actor, at one time."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from showup.commands.execute import CommandResult
from showup.commands.execute import execute as execute_in_transaction
from showup.container import event_handlers
from showup.database.engine import driver_connection, transaction
from showup.events.manual import ManualEvent

ACTOR = "key:ops"


async def execute(
    engine: AsyncEngine, workspace_id: UUID, *events: ManualEvent, at: datetime, actor: str = ACTOR
) -> CommandResult:
    """Returns the result of these commands, given as the events that they cause."""
    async with transaction(engine) as tx:
        return await execute_in_transaction(
            await driver_connection(tx), workspace_id, events, actor=actor, at=at, handlers=event_handlers()
        )
