"""The unit of work of a request: the permission of its caller, one transaction and one time."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.commands.execute import CommandResult, execute
from showup.database.engine import driver_connection
from showup.events.manual import ManualEvent
from showup.inbox.apply import EventHandlers, lock_pipeline


class CommandRefused(Exception):
    """The rules of the pipeline refuse a command. The log records it, so the transaction must be committed."""

    def __init__(self, because: str) -> None:
        super().__init__(because)
        self.because = because


class UnitOfWork(Struct, frozen=True, kw_only=True):
    """Unit of work: all commands of one request commit, or none."""

    permission: Permission
    tx: AsyncConnection
    at: datetime
    handlers: EventHandlers

    async def execute(self, workspace_id: UUID, *events: ManualEvent) -> Sequence[UUID]:
        """Execute the commands, given as the events that they cause, and return the ids of these events.

        If the rules refuse one of them, all are refused. Raises CommandRefused.
        """
        result = await self.try_execute(workspace_id, *events)
        if result.refused is not None:
            raise CommandRefused(result.refused)
        return result.event_ids

    async def try_execute(self, workspace_id: UUID, *events: ManualEvent) -> CommandResult:
        """Execute the commands and return the result."""
        return await execute(
            await self.connection(),
            workspace_id,
            events,
            actor=self.permission.actor,
            at=self.at,
            handlers=self.handlers,
        )

    async def lock(self, workspace_id: UUID) -> None:
        """Lock the workspace's pipeline: no other transaction changes it until this one ends."""
        await lock_pipeline(await self.connection(), workspace_id)

    async def connection(self) -> asyncpg.Connection:
        """Return the driver's connection of the transaction."""
        return await driver_connection(self.tx)
