"""`/assistant/approvals`: the changes that assistants asked for. A person grants, denies and undoes them (AS2)."""

import re
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from showup.access.teammate import Session
from showup.assistant import approvals, approvals_store
from showup.assistant.approval import ApprovalRefused
from showup.web.dashboard.approval_view import find_cards, list_cards
from showup.web.dashboard.page_route import DashboardRoute, is_part, redirect
from showup.web.dashboard.shell import record_visit, render_shell, viewer_of
from showup.web.dashboard.templates import render_page
from showup.web.http.app_state import AppState, State, read_transaction
from showup.web.http.forms import read_form
from showup.web.http.paging import build_page_request, encode_cursor
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedIn, SignedInMember, check_csrf

router = APIRouter(prefix="/assistant/approvals", include_in_schema=False, route_class=DashboardRoute)

LIST: Final = "assistant/approvals"
_SORT: Final = "-created_at"
_PER_PAGE: Final = 30
# The pages that have these forms; a form leads back to its own.
_BACK: Final = re.compile(r"assistant(/approvals|\?chat=[0-9a-f-]{36})?|(deals|bookings)/[0-9a-f-]{36}")


@router.get("")
async def approvals_page(
    request: Request, session: SignedIn, state: State, cursor: Annotated[str | None, Query(max_length=500)] = None
) -> Response:
    """Show what waits, and what was decided."""
    await record_visit(session, state)
    return await _page(request, session, state, cursor)


@router.post("/{approval_id}")
async def decide_on_approval(request: Request, approval_id: UUID, session: SignedInMember, state: State) -> Response:
    """Grant, deny or undo a change; a refused decision shows why, and what the change would do now."""
    form = await read_form(request)
    check_csrf(request, session, form)
    back = form.get("back", "")
    back = back if _BACK.fullmatch(back) else LIST
    fault = await _decide(form, approval_id, session, state)
    if is_part(request):
        viewer = viewer_of(session, state)
        faults = {} if fault is None else {approval_id: fault}
        async with read_transaction(state, session.permission) as tx:
            cards = await find_cards(tx, session.permission, viewer, [approval_id], faults)
        context = {"session": session, "viewer": viewer, "card": cards[approval_id], "back": back, "can_decide": True}
        return render_page(request, "parts/approval.html", context, status=200 if fault is None else 409)
    if fault is not None:
        return await _page(request, session, state, None, {approval_id: fault}, status=409)
    return redirect(request, f"{back}#approval-{approval_id}" if back.startswith("assistant") else back)


async def _decide(form: dict[str, str], approval_id: UUID, session: Session, state: AppState) -> str | None:
    """Decide as the form says; return why it is refused."""
    services, permission = state.assistant, session.permission
    try:
        match form.get("do"):
            case "grant":
                digest, for_good = form.get("digest", ""), form.get("for_good") == "yes"
                await approvals.grant(services, permission, approval_id, digest=digest, for_good=for_good)
            case "deny":
                await approvals.deny(services, permission, approval_id)
            case "undo":
                await approvals.undo(services, permission, approval_id)
            case _:
                raise Refusal("invalid", "The form asks for nothing that this page does.")
    except LookupError:
        raise Refusal("not-found", "You can see no change with this address.") from None
    except ApprovalRefused as refused:
        return f"{str(refused).rstrip('.')}."
    return None


async def _page(
    request: Request,
    session: Session,
    state: AppState,
    cursor: str | None,
    faults: dict[UUID, str] | None = None,
    *,
    status: int = 200,
) -> Response:
    permission, viewer = session.permission, viewer_of(session, state)
    page_request = build_page_request(sort=_SORT, limit=_PER_PAGE, cursor=cursor, sorts=approvals_store.SORTS)
    async with read_transaction(state, permission) as tx:
        lists = await list_cards(tx, permission, viewer, page_request, faults)
        after = None if lists.next_cursor is None else encode_cursor(_SORT, lists.next_cursor)
        context: dict[str, Any] = {
            "lists": lists,
            "after": after,
            "is_first": cursor is None,
            "can_decide": permission.allows("write"),
            "back": LIST,
        }
        return await render_shell(
            request, "approvals.html", context, tx=tx, session=session, state=state, status=status
        )
