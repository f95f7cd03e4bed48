"""Small choices of a teammate: the theme, and the workspace that the pages show."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from showup.access import sessions_store, teammates_store
from showup.access.teammate import THEMES
from showup.web.dashboard.page_route import DashboardRoute, is_part, redirect
from showup.web.http.app_state import State
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedIn, check_csrf

router = APIRouter(include_in_schema=False, route_class=DashboardRoute)


@router.post("/theme")
async def choose_theme(request: Request, session: SignedIn, state: State) -> Response:
    """Remember the theme; the page has switched by itself already."""
    form = await read_form(request)
    check_csrf(request, session, form)
    if form.get("theme") not in THEMES:
        raise Refusal("invalid", f"A theme is one of {', '.join(THEMES)}.")
    async with state.engine.begin() as tx:
        await teammates_store.change(tx, session.teammate.id, theme=form["theme"])
    return Response(status_code=204) if is_part(request) else _back(request)


@router.post("/workspace")
async def choose_workspace(request: Request, session: SignedIn, state: State) -> Response:
    """Show another workspace."""
    form = await read_form(request)
    check_csrf(request, session, form)
    chosen = next((one for one in session.workspaces if one.slug == form.get("workspace")), None)
    if chosen is None:
        raise Refusal("not-found", "You can see no workspace with this name.")
    async with state.engine.begin() as tx:
        await sessions_store.choose_workspace(tx, session, chosen.id)
    return redirect(request, "")


def _back(request: Request) -> Response:
    """Lead to the page that the form stood on, if the browser names it, else to the home page."""
    page, origin = (request.headers.get(name, "") for name in ("Referer", "Origin"))
    if origin and page.startswith(f"{origin}/"):
        return RedirectResponse(page, status_code=303)
    return redirect(request, "")
