"""`/settings/workspaces`: one for each client, isolated from the others; its name, time zone, and who may use it."""

from typing import Final

from fastapi import APIRouter, Request, Response

from showup.access import teammates_store, workspaces_store
from showup.access.teammate import Session
from showup.access.workspace import Workspace
from showup.commands.workspaces import add_workspace, change_workspace, slug_fault
from showup.values.time_zone import find_zone
from showup.web.dashboard.page_route import DashboardRoute, redirect
from showup.web.dashboard.profile import ZONES
from showup.web.dashboard.settings.frame import render_settings
from showup.web.http.app_state import AppState, State
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedInAdmin, check_csrf

router = APIRouter(prefix="/settings/workspaces", include_in_schema=False, route_class=DashboardRoute)

_MAX_NAME: Final = 100
_FIELDS: Final = ("name", "time_zone")


@router.get("")
async def workspaces_page(request: Request, session: SignedInAdmin, state: State, saved: str = "") -> Response:
    """Show the workspaces that the teammate may use, and the settings of the open one."""
    return await _page(request, session, state, saved=saved)


@router.post("")
async def save_workspace(request: Request, session: SignedInAdmin, state: State) -> Response:
    """Change the open workspace, or add another one."""
    form = await read_form(request)
    check_csrf(request, session, form)
    if form.get("do") == "add":
        return await _add(request, session, state, form)
    if faults := _faults(form, ""):
        return await _page(request, session, state, faults=faults, values=form)
    async with state.engine.begin() as tx:
        if _changed_meanwhile(await workspaces_store.get(tx, session.workspace.id), form):
            return await _page(request, session, state, values=form, is_overtaken=True)
        values = {name: form[name] for name in _FIELDS}
        now, actor = state.clock(), session.permission.actor
        await change_workspace(tx, session.workspace.id, values, now=now, actor=actor)
    return redirect(request, "settings/workspaces?saved=changed")


async def _add(request: Request, session: Session, state: AppState, form: dict[str, str]) -> Response:
    if not session.is_everywhere:
        raise Refusal("forbidden", "Only an admin of every workspace may add one.")
    faults = _faults(form, "new_")
    if (fault := slug_fault(form.get("slug", ""))) is not None:
        faults["slug"] = fault
    if not faults:
        async with state.engine.begin() as tx:
            added = await add_workspace(
                tx,
                slug=form["slug"],
                name=form["new_name"],
                time_zone=form["new_time_zone"],
                now=state.clock(),
                actor=session.permission.actor,
            )
        if added is not None:
            return redirect(request, "settings/workspaces?saved=added")
        faults["slug"] = "There is already a workspace with this slug. Choose another."
    return await _page(request, session, state, faults=faults, values=form)


def _faults(form: dict[str, str], prefix: str) -> dict[str, str]:
    name, faults = form.get(f"{prefix}name", ""), {}
    if not name or len(name) > _MAX_NAME or not name.isprintable():
        faults[f"{prefix}name"] = f"Enter a name of at most {_MAX_NAME} characters."
    if find_zone(form.get(f"{prefix}time_zone", "")) is None:
        faults[f"{prefix}time_zone"] = "Choose a zone of the list, such as Europe/Berlin."
    return faults


def _changed_meanwhile(stored: Workspace, form: dict[str, str]) -> bool:
    """Return whether somebody saved another value since the form was shown than this form asks for."""
    return any(form.get(f"was.{name}") != getattr(stored, name) != form[name] for name in _FIELDS)


async def _page(  # each by its name
    request: Request,
    session: Session,
    state: AppState,
    *,
    faults: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
    is_overtaken: bool = False,
    saved: str = "",
) -> Response:
    async with state.read_engine.connect() as tx:
        own = [one for one in session.workspaces if one.role == "admin"]
        context = {
            "workspaces": session.workspaces,
            "stored": await workspaces_store.get(tx, session.workspace.id),
            "people": {one.id: len(await teammates_store.list_teammates(tx, one.id)) for one in own},
            "zones": ZONES,
            "is_overtaken": is_overtaken,
            "saved": saved,
            "faults": faults or {},
            "values": values or {},
        }
        status = 422 if faults else 409 if is_overtaken else 200
        return await render_settings(request, "workspaces", context, tx=tx, session=session, state=state, status=status)
