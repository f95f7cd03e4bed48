"""`/settings/keys`: API keys, shown once when they are created; what each may do, and its last use."""

from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response

from showup.access import keys_store, teammates_store
from showup.access.keys import is_key_name
from showup.access.keys_store import ApiKey, KeyNameTaken
from showup.access.permission import SCOPES
from showup.access.teammate import Session
from showup.web.dashboard.page_route import DashboardRoute, redirect
from showup.web.dashboard.settings.frame import render_settings
from showup.web.http.app_state import AppState, State
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedInAdmin, check_csrf

router = APIRouter(prefix="/settings/keys", include_in_schema=False, route_class=DashboardRoute)

_SCOPE_WORDS: Final = {
    "read": ("Read", "lists, records and numbers"),
    "write": ("Write", "reads, reports outcomes, moves deals, imports leads"),
    "admin": ("Admin", "all of that, and settings, connections and rules"),
}
_BAD_NAME: Final = "Use at most 63 letters (a-z), digits, spaces and . _ @ + -, beginning with a letter or digit."


@router.get("")
async def keys_page(request: Request, session: SignedInAdmin, state: State) -> Response:
    """Show the keys of the workspace, and those of all workspaces to admins of all."""
    return await _page(request, session, state)


@router.post("")
async def create_key(request: Request, session: SignedInAdmin, state: State) -> Response:
    """Create a key and show it, this once."""
    form = await read_form(request)
    check_csrf(request, session, form)
    name, scope = form.get("name", ""), form.get("scope")
    is_for_all = form.get("workspace") == "all"
    faults = {} if is_key_name(name) else {"name": _BAD_NAME}
    if scope not in SCOPES:
        faults["scope"] = "Choose what the key may do."
    if is_for_all and not session.is_everywhere:
        faults["workspace"] = "Only an admin of every workspace may create a key for all."
    if faults or scope not in SCOPES:
        return await _page(request, session, state, faults=faults, values=form)
    try:
        async with state.engine.begin() as tx:
            key = await keys_store.create(
                tx,
                name=name,
                scope=scope,
                workspace_id=None if is_for_all else session.workspace.id,
                now=state.clock(),
                actor=session.permission.actor,
                teammate_id=await _owner(tx, session, form.get("owner", "")),
            )
    except KeyNameTaken as taken:
        return await _page(request, session, state, faults={"name": f"{taken}"}, values=form)
    return await _page(request, session, state, created={"name": name, "key": key})


@router.post("/{key_id}/revoke")
async def revoke_key(request: Request, key_id: UUID, session: SignedInAdmin, state: State) -> Response:
    """Revoke a key. It stops working within seconds, and can't be made valid again."""
    form = await read_form(request)
    check_csrf(request, session, form)
    async with state.engine.begin() as tx:
        key = next((one for one in _visible(session, await keys_store.list_keys(tx)) if one.id == key_id), None)
        if key is None:
            raise Refusal("not-found", "This workspace has no such key.")
        # Somebody else may have revoked it meanwhile, which is what was asked for.
        await keys_store.revoke(tx, key.name, now=state.clock(), actor=session.permission.actor)
    return redirect(request, "settings/keys")


def _visible(session: Session, keys: list[ApiKey]) -> list[ApiKey]:
    return [
        one
        for one in keys
        if one.workspace == session.workspace.slug or (one.workspace is None and session.is_everywhere)
    ]


async def _owner(tx: Any, session: Session, email: str) -> UUID | None:
    if not email:
        return None
    rows = await teammates_store.list_teammates(tx, session.workspace.id)
    found = next((one.id for one in rows if one.email == email), None)
    if found is None:
        raise Refusal("not-found", "This workspace has no such teammate.")
    return found


async def _page(  # each by its name
    request: Request,
    session: Session,
    state: AppState,
    *,
    faults: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
    created: dict[str, str] | None = None,
) -> Response:
    async with state.read_engine.connect() as tx:
        keys = _visible(session, await keys_store.list_keys(tx))
        context = {
            "keys": [one for one in keys if one.revoked_at is None],
            "revoked": [one for one in reversed(keys) if one.revoked_at is not None],
            "scopes": _SCOPE_WORDS,
            "teammates": await teammates_store.list_teammates(tx, session.workspace.id),
            "created": created,
            "faults": faults or {},
            "values": values or {},
        }
        return await render_settings(
            request, "keys", context, tx=tx, session=session, state=state, status=422 if faults else 200
        )
