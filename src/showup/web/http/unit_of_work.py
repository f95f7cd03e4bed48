"""Opens the unit of work of a request, and finds the records that the request names."""

from typing import Annotated, TypeVar

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import workspaces_store
from showup.access.permission import Permission
from showup.access.workspace import DEFAULT, Workspace
from showup.commands.unit_of_work import UnitOfWork
from showup.reads.command_targets import CommandTarget
from showup.web.http.app_state import State, WriteTransaction
from showup.web.http.auth import Admin, Writer
from showup.web.http.idempotency import IdempotencyKey, claim_key
from showup.web.http.problems import Refusal, invalid_field

Target = TypeVar("Target", bound=CommandTarget)


async def lock_workspace(unit_of_work: UnitOfWork) -> Workspace:
    """Lock and return the workspace for a new record: the key's or the query's, else the only one, or `default`.

    No other transaction changes it until this one ends: a record that is missing now stays missing.
    """
    workspace = await resolve_workspace(unit_of_work.tx, unit_of_work.permission)
    await unit_of_work.lock(workspace.id)
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
    return UnitOfWork(permission=permission, tx=tx, at=state.clock(), handlers=state.event_handlers)


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
