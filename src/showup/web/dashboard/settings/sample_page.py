"""`/settings/sample`: what the sample and simulations brought, and how to load or remove it."""

from collections.abc import Mapping
from typing import Final

from fastapi import APIRouter, Request, Response

from showup.access.settings_log_store import SettingsEvent
from showup.access.teammate import Session
from showup.web.dashboard.page_route import DashboardRoute, redirect
from showup.web.dashboard.settings.frame import log_change, render_settings
from showup.web.http.app_state import AppState, State
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedInAdmin, check_csrf
from showup.web.http.setup_actions import SetupActions, SimulatedKind

router = APIRouter(prefix="/settings/sample", include_in_schema=False, route_class=DashboardRoute)

_KINDS: Final[Mapping[str, SimulatedKind]] = {"remove-sample": "sample", "remove-simulation": "simulation"}
_EVENTS: Final[Mapping[SimulatedKind, SettingsEvent]] = {
    "sample": "sample.removed",
    "simulation": "simulation.removed",
}


@router.get("")
async def sample_page(request: Request, session: SignedInAdmin, state: State, removed: str = "") -> Response:
    """Show how much sample and simulated data there is."""
    return await _page(request, session, state, is_removed=bool(removed))


@router.post("")
async def change_sample(request: Request, session: SignedInAdmin, state: State) -> Response:
    """Load the sample, or remove the sample or what simulations brought, wholly."""
    form = await read_form(request)
    check_csrf(request, session, form)
    actions = _actions(state)
    if form.get("do") == "load":
        await actions.load_sample(session.workspace.id)
        await _log(session, state, "sample.loaded", {})
        # The sample's meetings have a host of their own, so "Mine" would show none of them.
        return redirect(request, "?who=team")
    if (kind := _KINDS.get(form.get("do", ""))) is None:
        raise Refusal("invalid", "The form asks for nothing that this page does.")
    counts = await actions.remove_simulated(session.workspace.id, kind)
    await _log(session, state, _EVENTS[kind], counts)
    return redirect(request, "settings/sample?removed=yes")


def _actions(state: AppState) -> SetupActions:
    if state.setup is None:
        raise Refusal("conflict", "This process can't load or remove data. Run `showup serve`.")
    return state.setup


async def _log(session: Session, state: AppState, what: SettingsEvent, counts: Mapping[str, int]) -> None:
    change = {name: [number, 0] for name, number in counts.items() if number}
    async with state.engine.begin() as tx:
        await log_change(tx, session, state, what, session.workspace.name, change)


async def _page(request: Request, session: Session, state: AppState, *, is_removed: bool) -> Response:
    counts: dict[str, Mapping[str, int]] = {}
    if state.setup is not None:
        counts = {kind: await state.setup.count_simulated(session.workspace.id, kind) for kind in _EVENTS}
    context = {"counts": counts, "can_change": state.setup is not None, "is_removed": is_removed}
    async with state.read_engine.connect() as tx:
        return await render_settings(request, "sample", context, tx=tx, session=session, state=state)
