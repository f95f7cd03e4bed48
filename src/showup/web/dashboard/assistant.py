"""`/assistant`: what assistants asked for, whose calendar they see, and the kill switch (AS1, AS2)."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from showup.access import calcom_profiles_store
from showup.access.calcom_profile import CalcomCredentials
from showup.access.teammate import Session
from showup.assistant import approvals, approvals_store, calcom_oauth, usage_store
from showup.assistant.approval import Approval
from showup.assistant.calcom_oauth import AuthorizationFailed
from showup.assistant.catalogue import TOOLS
from showup.assistant.planned_changes import CHANGES
from showup.reads.keyset import PageRequest
from showup.web.api.approvals import decide
from showup.web.dashboard.calcom_sign_in import DEFAULT_NAME, MAX_NAME
from showup.web.dashboard.page_route import DashboardRoute, redirect
from showup.web.dashboard.shell import record_visit, render_shell
from showup.web.http.app_state import AppState, State, read_transaction
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedIn, SignedInAdmin, SignedInMember, check_csrf

router = APIRouter(prefix="/assistant", include_in_schema=False, route_class=DashboardRoute)

_LISTED: Final = 30
_MAX_KEY: Final = 500
_TITLES: Final = {tool.name: tool.title for tool in TOOLS}
_STATES: Final = {
    "denied": "Denied",
    "done": "Done",
    "expired": "Expired",
    "outdated": "Outdated",
    "refused": "Refused by the rules",
}


@router.get("")
async def assistant_page(request: Request, session: SignedIn, state: State, connected: str = "") -> Response:
    """Show what waits, what was decided, and the teammate's Cal.com accounts."""
    await record_visit(session, state)
    return await _page(request, session, state, is_connected=bool(connected))


@router.post("/approvals/{approval_id}")
async def decide_on_approval(request: Request, approval_id: UUID, session: SignedInMember, state: State) -> Response:
    """Grant, deny or undo a change."""
    form = await read_form(request)
    check_csrf(request, session, form)
    chosen, digest = form.get("do"), form.get("digest", "")
    async with read_transaction(state, session.permission) as tx:
        if await approvals_store.find(tx, session.permission, approval_id) is None:
            raise Refusal("not-found", "You can see no change with this address.")
    match chosen:
        case "grant" | "for_good":
            await decide(
                state.assistant,
                session.permission,
                approval_id,
                lambda services, who, found: approvals.grant(
                    services, who, found, digest=digest, for_good=chosen == "for_good"
                ),
            )
        case "deny":
            await decide(state.assistant, session.permission, approval_id, approvals.deny)
        case "undo":
            await decide(state.assistant, session.permission, approval_id, approvals.undo)
        case _:
            raise Refusal("invalid", "The form asks for nothing that this page does.")
    return redirect(request, "assistant")


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
                return await _page(
                    request,
                    session,
                    state,
                    faults={"calcom_api_key": "Enter the key as Cal.com shows it."},
                    status=422,
                )
            credentials = CalcomCredentials(calcom_api_key=key, calcom_username=username or None)
            async with services.write() as tx:
                await calcom_profiles_store.save(
                    tx, services.seal, session.teammate.id, name, credentials, expires_at=None, now=now
                )
        case _:
            raise Refusal("invalid", "The form asks for nothing that this page does.")
    return redirect(request, "assistant")


@router.post("/settings")
async def change_settings(request: Request, session: SignedInAdmin, state: State) -> Response:
    """Switch the assistants off or on, change a budget, or withdraw what is allowed for good."""
    form = await read_form(request)
    check_csrf(request, session, form)
    workspace_id = session.workspace.id
    async with state.assistant.write() as tx:
        if form.get("do") == "withdraw":
            await approvals_store.withdraw_grant(tx, workspace_id, form.get("actor", ""), form.get("tool", ""))
            return redirect(request, "assistant")
        settings = await usage_store.load_settings(tx, workspace_id)
        changed = {"changed_by": session.teammate.actor, "changed_at": state.clock()}
        after = msgspec.structs.replace(settings, **_wanted(form), **changed)
        await usage_store.save_settings(tx, workspace_id, after)
    return redirect(request, "assistant")


def _wanted(form: Mapping[str, str]) -> dict[str, Any]:
    match form.get("do"):
        case "off" | "on":
            return {"is_on": form["do"] == "on"}
        case "budgets":
            names = ("calls_per_day", "changes_per_day", "tokens_per_day")
            values = {name: form.get(name, "") for name in names}
            if all(value.isascii() and value.isdigit() and len(value) <= 8 for value in values.values()):
                budgets = {name: int(value) for name, value in values.items()}
                if max(budgets.values()) <= usage_store.MAX_BUDGET:
                    return budgets
            raise Refusal("invalid", f"A budget is a whole number from 0 to {usage_store.MAX_BUDGET:,}.")
        case _:
            raise Refusal("invalid", "The form asks for nothing that this page does.")


async def _page(  # what the page shows beside the data
    request: Request,
    session: Session,
    state: AppState,
    *,
    is_connected: bool = False,
    faults: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    services, permission, now = state.assistant, session.permission, state.clock()
    async with read_transaction(state, permission) as tx:
        latest = PageRequest(sort="-created_at", limit=_LISTED)
        page = await approvals_store.list_approvals(tx, permission, [], latest)
        found = [Approval(**{name: one[name] for name in Approval.__struct_fields__}) for one in page.items]
        pending = [one for one in found if one.state == "pending" and one.expires_at > now]
        context = {
            "pending": pending,
            "decided": [one for one in found if one not in pending],
            "titles": _TITLES,
            "states": _STATES,
            "for_good": {name for name, change in CHANGES.items() if change.is_reversible},
            "accounts": await calcom_profiles_store.list_profiles(tx, services.seal, session.teammate.id),
            "has_oauth": services.oauth is not None,
            "settings": await usage_store.load_settings(tx, session.workspace.id),
            "usage": await usage_store.usage_of_day(tx, session.workspace.id, now),
            "grants": await approvals_store.list_grants(tx, permission),
            "can_decide": permission.allows("write"),
            "is_admin": permission.allows("admin"),
            "is_connected": is_connected,
            "values": {},
            "faults": faults or {},
        }
        return await render_shell(
            request, "assistant.html", context, tx=tx, session=session, state=state, status=status
        )
