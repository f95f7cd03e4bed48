"""`/proposals/{id}`: a proposal, its PDF, and what became of it."""

from typing import Any, Final, cast, get_args
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.teammate import Session
from showup.commands.proposals import mark_proposal, undo_mark
from showup.commands.unit_of_work import CommandRefused
from showup.database.engine import driver_connection
from showup.proposals.document import file_name
from showup.proposals.files_store import load_file
from showup.proposals.proposal import Mark, edit_conflict
from showup.reads.proposals import FoundProposal, find_proposal, load_context
from showup.web.dashboard.page_route import DashboardRoute, is_part, redirect
from showup.web.dashboard.shell import record_visit, render_shell
from showup.web.dashboard.unit_of_work import unit_of_work_of
from showup.web.http.app_state import AppState, State, read_transaction, write_transaction
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedIn, SignedInMember, check_csrf
from showup.web.proposal_files import pdf_response, today_of

router = APIRouter(include_in_schema=False, route_class=DashboardRoute)

_PICTURE: Final = {"Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff"}


@router.get("/proposals/{proposal_id}")
async def proposal_page(request: Request, proposal_id: UUID, session: SignedIn, state: State) -> Response:
    """Show the proposal. While the page is open, it asks for itself when its meeting or deal changes."""
    if not is_part(request):
        await record_visit(session, state)
    async with read_transaction(state, session.permission) as tx:
        return await _render(request, session, state, tx, proposal_id)


@router.get("/proposals/{proposal_id}/pdf")
async def proposal_pdf(proposal_id: UUID, session: SignedIn, state: State) -> Response:
    """Download the PDF."""
    async with read_transaction(state, session.permission) as tx:
        proposal = _found(await find_proposal(tx, session.permission, proposal_id))
        file = await load_file(await driver_connection(tx), proposal.workspace_id, proposal.id, proposal.version)
    if file is None:
        raise Refusal("not-found", "The proposal is a draft: it has no PDF yet.")
    return pdf_response(proposal, file)


@router.get("/proposals/{proposal_id}/page.png")
async def proposal_picture(proposal_id: UUID, session: SignedIn, state: State) -> Response:
    """Return a picture of the first page of the PDF."""
    async with read_transaction(state, session.permission) as tx:
        proposal = _found(await find_proposal(tx, session.permission, proposal_id))
        file = await load_file(await driver_connection(tx), proposal.workspace_id, proposal.id, proposal.version)
    if file is None:
        raise Refusal("not-found", "The proposal is a draft: it has no PDF yet.")
    return Response(file.picture, media_type="image/png", headers=_PICTURE)


@router.post("/proposals/{proposal_id}/mark")
async def mark(request: Request, proposal_id: UUID, session: SignedInMember, state: State) -> Response:
    """Mark the proposal as sent, accepted or declined, or take the last mark back."""
    form = await read_form(request)
    check_csrf(request, session, form)
    async with write_transaction(state) as tx:
        proposal = _found(await find_proposal(tx, session.permission, proposal_id))
        unit_of_work = unit_of_work_of(session, state, tx)
        try:
            if (status := form.get("status")) in get_args(Mark):
                await mark_proposal(unit_of_work, proposal, cast("Mark", status))
            else:
                await undo_mark(unit_of_work, proposal, _event(form))
        except CommandRefused as refused:
            fault = f"Not changed: {refused.because}."
            return await _render(request, session, state, tx, proposal_id, fault=fault)
    return redirect(request, f"proposals/{proposal_id}")


def _event(form: dict[str, str]) -> UUID:
    try:
        return UUID(form.get("undo", ""))
    except ValueError:
        raise Refusal("invalid", "The form names no change of the proposal.") from None


def _found(proposal: FoundProposal | None) -> FoundProposal:
    if proposal is None:
        raise Refusal("not-found", "You can see no proposal with this address.")
    return proposal


async def _render(
    request: Request,
    session: Session,
    state: AppState,
    tx: AsyncConnection,
    proposal_id: UUID,
    *,
    fault: str | None = None,
) -> Response:
    proposal = _found(await find_proposal(tx, session.permission, proposal_id))
    context = await load_context(tx, session.permission, proposal.booking_id)
    assert context is not None, "a proposal belongs to a booking of its workspace"
    today = today_of(context, state.clock()).date()
    valid_until = proposal.content.valid_until
    view: dict[str, Any] = {
        "proposal": proposal,
        "context": context,
        "file_name": file_name(proposal.number, proposal.company or ""),
        "recipient": next((one for one in context.recipients if one.email == proposal.content.recipient), None),
        "is_over": valid_until is not None and valid_until < today and proposal.status in ("ready", "sent"),
        "can_edit": edit_conflict(proposal.status) is None,
        "fault": fault,
    }
    status = 409 if fault else 200
    return await render_shell(request, "proposal.html", view, tx=tx, session=session, state=state, status=status)
