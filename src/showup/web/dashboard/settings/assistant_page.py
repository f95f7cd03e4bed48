"""`/settings/assistant`: the kill switch, limits, what needs no grant, and the teammate's own accounts (AS2)."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from showup.access import calcom_profiles_store, slack_users_store
from showup.access.calcom_profile import CalcomCredentials
from showup.access.teammate import Session
from showup.assistant import approvals_store, assistants_store, calcom_oauth, slack_links, usage_store
from showup.assistant.calcom_oauth import AuthorizationFailed
from showup.assistant.catalogue import TOOLS
from showup.assistant.planned_changes import CHANGES
from showup.assistant.usage_store import BUDGETS, MAX_BUDGET
from showup.web.dashboard.calcom_sign_in import DEFAULT_NAME, MAX_NAME
from showup.web.dashboard.page_route import DashboardRoute, redirect
from showup.web.dashboard.settings.frame import render_settings
from showup.web.dashboard.shell import record_visit
from showup.web.http.app_state import AppState, State, read_transaction
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedIn, SignedInAdmin, SignedInMember, check_csrf

router = APIRouter(prefix="/settings/assistant", include_in_schema=False, route_class=DashboardRoute)

PATH: Final = "settings/assistant"
_MAX_KEY: Final = 500
_REVERSIBLE: Final = [tool for tool in TOOLS if tool.name in CHANGES and CHANGES[tool.name].is_reversible]


@router.get("")
async def settings_page(
    request: Request, session: SignedIn, state: State, connected: str = "", asked: str = ""
) -> Response:
    """Show what assistants may do, and the teammate's accounts."""
    await record_visit(session, state)
    did = "Your Cal.com account is connected." if connected else None
    did = "Slack sends you a message. Press the button in it within 15 minutes." if asked else did
    return await _page(request, session, state, did=did)


@router.post("")
async def change_settings(request: Request, session: SignedInAdmin, state: State) -> Response:
    """Switch the assistants off or on, or change budgets, or what one assistant may do without asking."""
    form = await read_form(request)
    check_csrf(request, session, form)
    if form.get("do") == "tiers":
        await _save_tiers(form, session, state)
        return redirect(request, PATH)
    faults = _faults(form) if form.get("do") == "limits" else {}
    if faults:
        return await _page(request, session, state, faults=faults, values=form, status=422)
    async with state.assistant.write() as tx:
        settings = await usage_store.load_settings(tx, session.workspace.id)
        changed = {"changed_by": session.teammate.actor, "changed_at": state.clock()}
        after = msgspec.structs.replace(settings, **_wanted(form), **changed)
        await usage_store.save_settings(tx, session.workspace.id, after)
    return redirect(request, PATH)


@router.post("/calcom")
async def change_calcom(request: Request, session: SignedIn, state: State) -> Response:
    """Connect a Cal.com account of the teammate by key or by signing in there, or remove one."""
    form = await read_form(request)
    check_csrf(request, session, form)
    name = form.get("name", "")[:MAX_NAME] or DEFAULT_NAME
    services, now = state.assistant, state.clock()
    match form.get("do"):
        case "sign_in":
            try:
                return RedirectResponse(await calcom_oauth.start(services, session.teammate.id, name), status_code=303)
            except AuthorizationFailed as failed:
                raise Refusal("conflict", str(failed)) from None
        case "remove":
            async with services.write() as tx:
                await calcom_profiles_store.remove(tx, session.teammate.id, name)
        case "key":
            key, username = form.get("calcom_api_key", "")[:_MAX_KEY], form.get("calcom_username", "")[:100]
            if not key.isascii() or not key.isprintable() or not key:
                faults = {"calcom_api_key": "Enter the key as Cal.com shows it."}
                return await _page(request, session, state, faults=faults, values=form, status=422)
            credentials = CalcomCredentials(calcom_api_key=key, calcom_username=username or None)
            async with services.write() as tx:
                await calcom_profiles_store.save(
                    tx, services.seal, session.teammate.id, name, credentials, expires_at=None, now=now
                )
        case _:
            raise Refusal("invalid", "The form asks for nothing that this page does.")
    return redirect(request, PATH)


@router.post("/slack")
async def change_slack(request: Request, session: SignedInMember, state: State) -> Response:
    """Ask in Slack whether a user there is this teammate, or end their link."""
    form = await read_form(request)
    check_csrf(request, session, form)
    services, workspace_id = state.assistant, session.workspace.id
    async with services.write() as tx:
        match form.get("do"):
            case "link":
                if not await assistants_store.has_slack(tx, workspace_id):
                    raise Refusal("conflict", "This workspace has no Slack. Connect it first: see docs/SLACK.md.")
                await slack_links.ask(tx, services, workspace_id, session.teammate)
                return redirect(request, f"{PATH}?asked=1")
            case "unlink":
                await slack_users_store.unlink(tx, workspace_id, session.teammate.id)
            case _:
                raise Refusal("invalid", "The form asks for nothing that this page does.")
    return redirect(request, PATH)


async def _save_tiers(form: Mapping[str, str], session: Session, state: AppState) -> None:
    """Allow an assistant exactly the ticked changes for good."""
    actor, workspace_id = form.get("actor", ""), session.workspace.id
    async with state.assistant.write() as tx:
        if not await approvals_store.may_still_write(tx, workspace_id, actor):
            raise Refusal("not-found", "Nobody with this name may change the workspace.")
        for tool in _REVERSIBLE:
            if form.get(tool.name) == "yes":
                by, now = session.teammate.actor, state.clock()
                await approvals_store.allow_for_good(tx, workspace_id, actor, tool.name, granted_by=by, now=now)
            else:
                await approvals_store.withdraw_grant(tx, workspace_id, actor, tool.name)


def _faults(form: Mapping[str, str]) -> dict[str, str]:
    return {
        name: f"A whole number from 0 to {MAX_BUDGET:,}."
        for name in BUDGETS
        if not _is_number(form.get(name, "")) or int(form[name]) > MAX_BUDGET
    }


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= len(str(MAX_BUDGET))


def _wanted(form: Mapping[str, str]) -> dict[str, Any]:
    match form.get("do"):
        case "off" | "on":
            return {"is_on": form["do"] == "on"}
        case "limits":
            return {name: int(form[name]) for name in BUDGETS}
        case _:
            raise Refusal("invalid", "The form asks for nothing that this page does.")


async def _page(  # what the page shows beside the data
    request: Request,
    session: Session,
    state: AppState,
    *,
    did: str | None = None,
    faults: Mapping[str, str] | None = None,
    values: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    services, permission, workspace_id = state.assistant, session.permission, session.workspace.id
    async with read_transaction(state, permission) as tx:
        grants = await approvals_store.list_grants(tx, permission)
        allowed = {(one["actor"], one["tool"]) for one in grants}
        actors = await assistants_store.list_writers(tx, workspace_id)
        context = {
            "did": did,
            "settings": await usage_store.load_settings(tx, workspace_id),
            "usage": await usage_store.usage_of_day(tx, workspace_id, state.clock()),
            "tools": _REVERSIBLE,
            "actors": [(actor, [(tool, (actor, tool.name) in allowed) for tool in _REVERSIBLE]) for actor in actors],
            "accounts": await calcom_profiles_store.list_profiles(tx, services.seal, session.teammate.id),
            "has_oauth": services.oauth is not None,
            "has_slack": await assistants_store.has_slack(tx, workspace_id),
            "slack_user": await slack_users_store.find_user(tx, workspace_id, session.teammate.id),
            "can_write": permission.allows("write"),
            "values": values or {},
            "faults": faults or {},
        }
        return await render_settings(request, "assistant", context, tx=tx, session=session, state=state, status=status)
