"""The frame of the pages of settings: their list at the left, and what a form says after it was sent."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import Request, Response
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import teammates_store
from showup.access.settings_log_store import SettingsChange, SettingsEvent, add
from showup.access.teammate import ACTOR_PREFIX, Session
from showup.web.dashboard.records.history import actor_word
from showup.web.dashboard.shell import render_shell
from showup.web.http.app_state import AppState


class SettingsSection(Struct, frozen=True, kw_only=True):
    """One page: `path` is below `/settings`; `admins`: only admins see it."""

    path: str
    title: str
    admins: bool = True


# By the groups of the list. The second one is headed by the workspace's name.
SECTIONS: Final[Mapping[str, Sequence[SettingsSection]]] = {
    "Yours": (SettingsSection(path="", title="You", admins=False),),
    "workspace": (
        SettingsSection(path="teammates", title="Teammates", admins=False),
        SettingsSection(path="workspaces", title="Workspaces"),
        SettingsSection(path="accounts", title="Cal.com accounts"),
        SettingsSection(path="senders", title="Senders"),
        SettingsSection(path="reminders", title="Reminders"),
        SettingsSection(path="outcome", title="Outcome"),
        SettingsSection(path="rules", title="Rules"),
        SettingsSection(path="domains", title="Domains"),
        SettingsSection(path="templates", title="Templates"),
        SettingsSection(path="sample", title="Sample data"),
    ),
    "Technical": (
        SettingsSection(path="assistant", title="Assistants", admins=False),
        SettingsSection(path="keys", title="API keys"),
        SettingsSection(path="webhooks", title="Webhooks"),
        SettingsSection(path="changes", title="Changes"),
    ),
}
_TITLES: Final = {one.path: one.title for group in SECTIONS.values() for one in group}


async def render_settings(  # noqa: PLR0913  # each by its name
    request: Request,
    path: str,
    context: Mapping[str, Any],
    *,
    tx: AsyncConnection,
    session: Session,
    state: AppState,
    template: str | None = None,
    status: int = 200,
) -> Response:
    """Render a page of settings; `path` is its section's, and names the template unless `template` does."""
    is_admin = session.permission.allows("admin")
    groups = {
        session.workspace.name if name == "workspace" else name: [one for one in group if is_admin or not one.admins]
        for name, group in SECTIONS.items()
    }
    names = {one.email: one.name for one in await teammates_store.list_teammates(tx, session.workspace.id)}
    frame = {
        "groups": {name: group for name, group in groups.items() if group},
        "section": path,
        "section_title": _TITLES[path],
        "is_admin": is_admin,
        "who": lambda actor: actor_word(actor, names.get(actor.removeprefix(ACTOR_PREFIX)), session.teammate.actor),
    }
    page = template or f"settings/{path}.html"
    return await render_shell(request, page, frame | dict(context), tx=tx, session=session, state=state, status=status)


async def log_change(  # each by its name
    tx: AsyncConnection,
    session: Session,
    state: AppState,
    what: SettingsEvent,
    about: str,
    change: Mapping[str, Any] | None = None,
    *,
    is_everywhere: bool = False,
) -> None:
    """Record who changed a setting of the workspace, or of all."""
    workspace_id = None if is_everywhere else session.workspace.id
    await add(
        tx,
        SettingsChange(
            workspace_id=workspace_id,
            at=state.clock(),
            actor=session.permission.actor,
            what=what,
            about=about,
            change=change or {},
        ),
    )
