"""The frame of all pages: workspace, navigation with counts, the pulse, and who is signed in."""

from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import sessions_store
from showup.access.teammate import THEMES, Session
from showup.access.workspace import SIMULATION
from showup.reads.shell import load_shell
from showup.reads.simulated import SimulatedFilter
from showup.values.time_zone import zone_of
from showup.web.dashboard.templates import render_page
from showup.web.dashboard.words import Viewer
from showup.web.http.app_state import AppState


def viewer_of(session: Session, state: AppState) -> Viewer:
    """Return whose clock the page shows."""
    teammate = session.teammate
    zone = zone_of(teammate.time_zone, session.workspace.time_zone)
    return Viewer(zone=zone, clock=teammate.clock, now=state.clock())


def counted_records(session: Session) -> SimulatedFilter:
    """Return which records the numbers of a page count: real ones, unless the workspace is that of simulations."""
    return "true" if session.workspace.slug == SIMULATION else "false"


async def shell_context(tx: AsyncConnection, session: Session, viewer: Viewer) -> dict[str, Any]:
    """Return what the frame shows."""
    return {
        "session": session,
        "viewer": viewer,
        "themes": THEMES,
        "shell": await load_shell(tx, session.permission, session.teammate.email, viewer.now, viewer.zone),
    }


async def render_shell(  # each by its name
    request: Request,
    template: str,
    context: dict[str, Any],
    *,
    tx: AsyncConnection,
    session: Session,
    state: AppState,
    status: int = 200,
) -> HTMLResponse:
    """Render a page in the frame."""
    viewer = viewer_of(session, state)
    return render_page(request, template, await shell_context(tx, session, viewer) | context, status=status)


async def record_visit(session: Session, state: AppState) -> None:
    """Record that the teammate opened a page: parts that refresh by themselves are no visit."""
    if sessions_store.is_touch_due(session.teammate, state.clock()):
        async with state.engine.begin() as tx:
            await sessions_store.touch(tx, session.teammate, state.clock())
