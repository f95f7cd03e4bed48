"""Adds and changes workspaces, for the command line and for the dashboard."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import workspaces_store
from showup.access.settings_log_store import COMMAND_LINE, SettingsChange, add, changed
from showup.access.workspace import SIMULATION, Workspace, is_slug
from showup.commands.sync_rules import sync_new_workspace
from showup.database.engine import driver_connection


def slug_fault(slug: str) -> str | None:
    """Return why a new workspace can't have this slug; None if it can."""
    if not is_slug(slug):
        return f"{slug[:80]!r} is not a valid slug. Use lower-case letters, digits and hyphens."
    if slug == SIMULATION:
        return f"{slug!r} is the workspace of `showup simulate`, and its data counts as simulated. Choose another slug."
    return None


async def add_workspace(  # one row's columns
    tx: AsyncConnection, *, slug: str, name: str, time_zone: str, now: datetime, actor: str = COMMAND_LINE
) -> Workspace | None:
    """Add a workspace with the rules of showup.toml; None if the slug is taken."""
    workspace = await workspaces_store.add(tx, slug=slug, name=name, time_zone=time_zone)
    if workspace is not None:
        await sync_new_workspace(await driver_connection(tx), workspace.id, now)
        await add(
            tx, SettingsChange(workspace_id=workspace.id, at=now, actor=actor, what="workspace.added", about=name)
        )
    return workspace


async def change_workspace(
    tx: AsyncConnection, workspace_id: UUID, values: dict[str, Any], *, now: datetime, actor: str
) -> None:
    """Change the name or the time zone of a workspace; its slug stays, because addresses contain it."""
    before = await workspaces_store.get(tx, workspace_id)
    change = changed({name: getattr(before, name) for name in values}, values)
    if change:
        await workspaces_store.change(tx, workspace_id, **values)
        entry = SettingsChange(
            workspace_id=workspace_id, at=now, actor=actor, what="workspace.changed", about=before.name, change=change
        )
        await add(tx, entry)
