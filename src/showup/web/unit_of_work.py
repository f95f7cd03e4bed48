"""The unit of work of a request: the permission of its caller, one transaction and one time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Depends, Request
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import workspaces_store
from showup.access.permission import Permission
from showup.access.workspace import DEFAULT, Workspace
from showup.database.engine import driver_connection
from showup.inbox.execute import CommandResult, execute_command, lock_pipeline
from showup.reads.command_targets import CommandTarget
from showup.sources.manual.command import Command
from showup.web.app_state import State, WriteTransaction
from showup.web.auth import Admin, Writer
from showup.web.idempotency import IdempotencyKey, claim_key
from showup.web.problems import Refusal, invalid_field

Target = TypeVar("Target", bound=CommandTarget)


class UnitOfWork(Struct, frozen=True, kw_only=True):
    """Unit of work: all commands of one request commit, or none."""

    permission: Permission
    tx: AsyncConnection
    at: datetime

    @property
    def envelope(self) -> dict[str, Any]:
        """Return the fields that all commands of this request share: its time and its actor."""
        return {"at": self.at, "actor": self.permission.actor}

    async def execute(self, workspace_id: UUID, *commands: Command) -> Sequence[UUID]:
        """Execute the commands and return the ids of their events.

        If the rules refuse one command, all of them are refused.
        """
        result = await self.try_execute(workspace_id, *commands)
        if result.refused is not None:
            raise Refusal("refused-by-rules", result.refused)
        return result.event_ids

    async def try_execute(self, workspace_id: UUID, *commands: Command) -> CommandResult:
        """Execute the commands and return the result."""
        return await execute_command(await driver_connection(self.tx), workspace_id, commands, self.at)

    async def lock_workspace(self) -> Workspace:
        """Lock and return the workspace for a new record: the key's or the query's, else the only one, or `default`.

        No other transaction changes it until this one ends: a record that is missing now stays missing.
        """
        workspace = await resolve_workspace(self.tx, self.permission)
        await lock_pipeline(await driver_connection(self.tx), workspace.id)
        return workspace


async def resolve_workspace(tx: AsyncConnection, permission: Permission) -> Workspace:
    """Return the workspace of a request that targets no record: the permission's, else the only one, or `default`."""
    workspaces = await workspaces_store.list_workspaces(tx)
    if permission.workspace_id is not None:
        return next(workspace for workspace in workspaces if workspace.id == permission.workspace_id)
    resolved = (
        workspaces[0]
        if len(workspaces) == 1
        else next((workspace for workspace in workspaces if workspace.slug == DEFAULT), None)
    )
    if resolved is None:
        known_slugs = ", ".join(workspace.slug for workspace in workspaces)
        raise invalid_field(
            "workspace", "query", f"The key is for several workspaces. Name one of them: {known_slugs}."
        )
    return resolved


async def _open_for_write(
    request: Request, permission: Writer, state: State, tx: WriteTransaction, key: IdempotencyKey = None
) -> UnitOfWork:
    await claim_key(request, tx, permission, key, state.clock)
    return UnitOfWork(permission=permission, tx=tx, at=state.clock())


async def _open_for_admin(
    request: Request, permission: Admin, state: State, tx: WriteTransaction, key: IdempotencyKey = None
) -> UnitOfWork:
    return await _open_for_write(request, permission, state, tx, key)


# They end with the underlying transaction, before the response is sent.
WriteUnitOfWork = Annotated[UnitOfWork, Depends(_open_for_write, scope="function")]
AdminUnitOfWork = Annotated[UnitOfWork, Depends(_open_for_admin, scope="function")]


def target_or_404(target: Target | None, noun: str) -> Target:
    """Return the target that the path names. Refuses with 404 if the key can see no such record."""
    if target is None:
        raise Refusal("not-found", f"The key can see no {noun} with this id.")
    return target


def target_or_422(target: Target | None, field: str, noun: str) -> Target:
    """Return the target that a body field names. Refuses the field if the workspace has no such record."""
    if target is None:
        raise invalid_field(field, "body", f"The workspace has no {noun} with this id.")
    return target
