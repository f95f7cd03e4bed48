"""`/settings/workspaces`: one for each client, isolated from the others; its name, time zone, and who may use it."""

from fastapi import APIRouter, Request, Response

from showup.access import teammates_store, workspaces_store
from showup.access.teammate import Session
from showup.commands.workspaces import add_workspace, change_workspace, slug_fault
from showup.values.time_zone import find_zone
from showup.web.dashboard.page_route import DashboardRoute, redirect
from showup.web.dashboard.profile import ZONES
from showup.web.dashboard.settings.frame import render_settings
from showup.web.dashboard.settings.overtaken import Overtaken, overtaken_by
from showup.web.http.app_state import AppState, State
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedInAdmin, check_csrf

router = APIRouter(prefix="/settings/workspaces", include_in_schema=False, route_class=DashboardRoute)

_MAX_NAME = 100


@router.get("")
async def workspaces_page(request: Request, session: SignedInAdmin, state: State, saved: str = "") -> Response:
    """Show the workspaces that the teammate may use, and the settings of the open one."""
    return await _page(request, session, state, saved=saved)


@router.post("")
async def save_workspace(request: Request, session: SignedInAdmin, state: State) -> Response:
    """Change the open workspace, or add another one."""
    form = await read_form(request)
    check_csrf(request, session, form)
    is_new = form.get("do") == "add"
    if is_new and not session.is_everywhere:
        raise Refusal("forbidden", "Only an admin of every workspace may add one.")
    prefix = "new_" if is_new else ""
    name, zone = form.get(f"{prefix}name", ""), form.get(f"{prefix}time_zone", "")
    faults = {}
    if not name or len(name) > _MAX_NAME or not name.isprintable():
        faults[f"{prefix}name"] = f"Enter a name of at most {_MAX_NAME} characters."
    if find_zone(zone) is None:
        faults[f"{prefix}time_zone"] = "Choose a zone of the list, such as Europe/Berlin."
    if is_new and (fault := slug_fault(form.get("slug", ""))) is not None:
        faults["slug"] = fault
    if faults:
        return await _page(request, session, state, faults=faults, values=form)
    now, actor = state.clock(), session.permission.actor
    async with state.engine.begin() as tx:
        if not is_new:
            stored = await workspaces_store.get(tx, session.workspace.id)
            was = {"name": form.get("was.name"), "time_zone": form.get("was.time_zone")}
            theirs = {
                field: [before, getattr(stored, field)]
                for field, before in was.items()
                if before != getattr(stored, field) and form.get(field) != getattr(stored, field)
            }
            if theirs:
                conflict = overtaken_by("somebody", now, theirs, {"name": "Name", "time_zone": "Time zone"})
                return await _page(request, session, state, values=form, conflict=conflict)
            values = {"name": name, "time_zone": zone}
            await change_workspace(tx, session.workspace.id, values, now=now, actor=actor)
        elif await add_workspace(tx, slug=form["slug"], name=name, time_zone=zone, now=now, actor=actor) is None:
            faults = {"slug": "There is already a workspace with this slug. Choose another."}
            return await _page(request, session, state, faults=faults, values=form)
    return redirect(request, f"settings/workspaces?saved={'added' if is_new else 'changed'}")


async def _page(  # each by its name
    request: Request,
    session: Session,
    state: AppState,
    *,
    faults: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
    conflict: Overtaken | None = None,
    saved: str = "",
) -> Response:
    async with state.read_engine.connect() as tx:
        own = [one for one in session.workspaces if one.role == "admin"]
        context = {
            "workspaces": session.workspaces,
            "stored": await workspaces_store.get(tx, session.workspace.id),
            "people": {one.id: len(await teammates_store.list_teammates(tx, one.id)) for one in own},
            "zones": ZONES,
            "conflict": conflict,
            "saved": saved,
            "faults": faults or {},
            "values": values or {},
        }
        status = 422 if faults else 409 if conflict else 200
        return await render_settings(request, "workspaces", context, tx=tx, session=session, state=state, status=status)
