"""`/settings`: the teammate's own name, zone and clock, which everybody may change."""

from fastapi import APIRouter, Request, Response

from showup.access.teammate import Session
from showup.web.dashboard.page_route import DashboardRoute, redirect
from showup.web.dashboard.profile import ZONES, profile_faults, save_profile
from showup.web.dashboard.settings.frame import render_settings
from showup.web.dashboard.shell import record_visit
from showup.web.http.app_state import AppState, State
from showup.web.http.forms import read_form
from showup.web.http.sessions import SignedIn, check_csrf

router = APIRouter(prefix="/settings", include_in_schema=False, route_class=DashboardRoute)


@router.get("")
async def you_page(request: Request, session: SignedIn, state: State, saved: str = "") -> Response:
    """Show the teammate's own settings."""
    await record_visit(session, state)
    return await _page(request, session, state, is_saved=bool(saved))


@router.post("")
async def save_you(request: Request, session: SignedIn, state: State) -> Response:
    """Save the teammate's name, zone and clock."""
    form = await read_form(request)
    check_csrf(request, session, form)
    if faults := profile_faults(form):
        return await _page(request, session, state, faults=faults, values=form)
    async with state.engine.begin() as tx:
        await save_profile(tx, session, form)
    return redirect(request, "settings?saved=yes")


async def _page(
    request: Request,
    session: Session,
    state: AppState,
    *,
    faults: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
    is_saved: bool = False,
) -> Response:
    context = {"zones": ZONES, "faults": faults or {}, "values": values or {}, "is_saved": is_saved}
    async with state.read_engine.connect() as tx:
        return await render_settings(
            request,
            "",
            context,
            tx=tx,
            session=session,
            state=state,
            template="settings/you.html",
            status=422 if faults else 200,
        )
