"""`/proposal/{booking_id}`: what is offered after a meeting, with the page they will read beside it."""

import base64
from typing import Any, Final
from uuid import UUID, uuid4

from fastapi import APIRouter, Request, Response
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.teammate import Session
from showup.commands.proposals import NewProposal, OvertakenBy, save_proposal, seen_of, stage_after
from showup.commands.unit_of_work import CommandRefused
from showup.database.engine import driver_connection
from showup.inbox.rules import in_force
from showup.proposals.files_store import ProposalFile
from showup.proposals.pdf_writer import CannotDraw
from showup.proposals.proposal import MAX_ITEMS, ProposalContent, content_faults, edit_conflict
from showup.reads.command_targets import target_of_booking
from showup.reads.proposals import FoundProposal, ProposalContext, find_proposal, load_context, proposals_of_bookings
from showup.reads.usual_currency import usual_currency
from showup.web.dashboard.page_route import DashboardRoute, is_part, redirect
from showup.web.dashboard.proposal_fields import FormLine, ProposalForm, filled_in, form_of
from showup.web.dashboard.shell import record_visit, render_shell, viewer_of
from showup.web.dashboard.templates import render_page
from showup.web.dashboard.unit_of_work import unit_of_work_of
from showup.web.dashboard.words import clipped, money, sentence
from showup.web.http.app_state import AppState, State, read_transaction, write_transaction
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedInMember, check_csrf
from showup.web.proposal_files import ProposalSender, draw_proposal, sender_of_proposal, today_of

router = APIRouter(include_in_schema=False, route_class=DashboardRoute)

_OVERTAKEN: Final = "seen"


class FormSubject(Struct, frozen=True, kw_only=True):
    """What the page is about: the meeting, the proposal that is changed (None: a new one), and the one before it.

    `sender`: who offers it.
    """

    context: ProposalContext
    proposal_id: UUID
    known: FoundProposal | None
    before: FoundProposal | None
    stages: tuple[str, ...]
    sender: ProposalSender

    @property
    def number(self) -> int:
        """Return the number that the proposal has, or will get."""
        return self.context.number + 1 if self.known is None else self.known.number


@router.get("/proposal/{booking_id}")
async def proposal_form_page(
    request: Request, booking_id: UUID, session: SignedInMember, state: State, proposal: UUID | None = None
) -> Response:
    """Show the form of a new proposal, filled from the one before, or with `proposal` that of one not sent yet."""
    await record_visit(session, state)
    async with read_transaction(state, session.permission) as tx:
        page = await _load(tx, session, state, booking_id, proposal or uuid4())
        if page.known is not None and (conflict := edit_conflict(page.known.status)):
            raise Refusal("conflict", f"{sentence(conflict)}.")
        today = today_of(page.context, state.clock()).date()
        currency = page.context.currency or await usual_currency(tx, session.permission)
        form = filled_in(page.context, page.known or page.before, today, currency)
        seen = seen_of(page.context, page.known)
        return await _render(request, session, state, tx, page=page, form=form, seen=seen)


@router.post("/proposal/{booking_id}")
async def save_proposal_form(request: Request, booking_id: UUID, session: SignedInMember, state: State) -> Response:
    """Save the proposal, with its PDF or as a draft. If a colleague made one meanwhile, show that first."""
    fields = await read_form(request)
    check_csrf(request, session, fields)
    form, seen = form_of(fields), fields.get("seen", "")
    async with read_transaction(state, session.permission) as tx:
        page = await _load(tx, session, state, booking_id, _id(fields))
    content = form.content(page.known.content.notes if page.known is not None else None)
    faults = _faults(form, content, page, state)
    file = None
    if not faults and fields.get("do") != "save":
        file, faults = await _draw(state, session, page, content)
    async with write_transaction(state) as tx:
        other = None
        if not faults:
            saved = await _save(
                tx, session, state, NewProposal(id=page.proposal_id, content=content, file=file, seen=seen), page
            )
            if isinstance(saved, UUID):
                return redirect(request, f"proposals/{saved}")
            faults, other = saved
        page = await _load(tx, session, state, booking_id, page.proposal_id)
        is_overtaken = _OVERTAKEN in faults
        return await _render(
            request,
            session,
            state,
            tx,
            page=page,
            form=form,
            # What they have seen now: sending the form again saves it.
            seen=seen_of(page.context, page.known) if is_overtaken else seen,
            faults=faults,
            other=other,
            status=409 if is_overtaken else 422,
        )


async def _save(
    tx: AsyncConnection, session: Session, state: AppState, new: NewProposal, page: FormSubject
) -> UUID | tuple[dict[str, str], FoundProposal | None]:
    """Return the id of the saved proposal, or the faults and the proposal of a colleague who was faster."""
    booking = await target_of_booking(tx, session.permission, page.context.booking_id)
    if booking is None:
        raise _not_found()
    try:
        return await save_proposal(unit_of_work_of(session, state, tx), booking, new)
    except CommandRefused as refused:
        return {"": f"Not saved: {refused.because}."}, None
    except OvertakenBy as overtaken:
        return {_OVERTAKEN: "A colleague was faster."}, overtaken.other


@router.post("/proposal/{booking_id}/lines")
async def change_lines(request: Request, booking_id: UUID, session: SignedInMember, state: State) -> Response:
    """Add a line, remove one, or insert the note of the meeting into the scope. Nothing is saved."""
    fields = await read_form(request)
    check_csrf(request, session, fields)
    form = form_of(fields)
    do, _, place = fields.get("do", "").partition(":")
    async with read_transaction(state, session.permission) as tx:
        page = await _load(tx, session, state, booking_id, _id(fields))
        if do == "add" and len(form.lines) < MAX_ITEMS:
            form = replace(form, lines=[*form.lines, FormLine(quantity="1")])
        elif do == "remove" and place.isascii() and place.isdigit():
            form = replace(form, lines=[one for at, one in enumerate(form.lines) if at != int(place)])
        elif do == "note" and page.context.notes:
            form = replace(form, scope="\n\n".join(one for one in (form.scope, page.context.notes) if one))
        return await _render(request, session, state, tx, page=page, form=form, seen=fields.get("seen", ""))


@router.post("/proposal/{booking_id}/preview")
async def preview_proposal(request: Request, booking_id: UUID, session: SignedInMember, state: State) -> Response:
    """Show amounts, total and consequences while somebody types; without a script, the page too. Nothing is saved."""
    fields = await read_form(request)
    check_csrf(request, session, fields)
    form = form_of(fields)
    async with read_transaction(state, session.permission) as tx:
        page = await _load(tx, session, state, booking_id, _id(fields))
        if is_part(request):
            return render_page(request, "parts/proposal_amounts.html", _view(page, form) | {"session": session})
    picture, _ = await _picture(state, session, page, form)
    async with read_transaction(state, session.permission) as tx:
        seen = fields.get("seen", "")
        return await _render(request, session, state, tx, page=page, form=form, seen=seen, picture=picture)


@router.post("/proposal/{booking_id}/picture")
async def draw_preview(request: Request, booking_id: UUID, session: SignedInMember, state: State) -> Response:
    """Return the page as it would be drawn now."""
    fields = await read_form(request)
    check_csrf(request, session, fields)
    form = form_of(fields)
    async with read_transaction(state, session.permission) as tx:
        page = await _load(tx, session, state, booking_id, _id(fields))
    picture, fault = await _picture(state, session, page, form)
    context = _view(page, form) | {"picture": picture, "fault": fault, "session": session}
    return render_page(request, "parts/proposal_picture.html", context)


async def _load(
    tx: AsyncConnection, session: Session, state: AppState, booking_id: UUID, proposal_id: UUID
) -> FormSubject:
    context = await load_context(tx, session.permission, booking_id)
    if context is None:
        raise _not_found()
    known = await find_proposal(tx, session.permission, proposal_id)
    if known is not None and known.booking_id != context.booking_id:
        raise _not_found()
    others = [one for one in await proposals_of_bookings(tx, session.permission, [context.booking_id]) if one != known]
    rules = (await in_force(await driver_connection(tx), session.workspace.id)).newest
    return FormSubject(
        context=context,
        proposal_id=proposal_id,
        known=known,
        before=max(others, key=lambda one: one.number, default=None),
        stages=rules.stages,
        sender=await sender_of_proposal(tx, state, context),
    )


def _not_found() -> Refusal:
    return Refusal("not-found", "You can see no meeting with this address.")


def _id(fields: dict[str, str]) -> UUID:
    try:
        return UUID(fields.get("proposal", ""))
    except ValueError:
        raise Refusal("invalid", "The form names no proposal.") from None


def _faults(form: ProposalForm, content: ProposalContent, page: FormSubject, state: AppState) -> dict[str, str]:
    faults = content_faults(content, today=today_of(page.context, state.clock()).date())
    if content.recipient is not None and content.recipient not in {one.email for one in page.context.recipients}:
        faults["recipient"] = "Choose somebody of the meeting."
    # The faults of lines count those that are not empty.
    places = [place for place, one in enumerate(form.lines) if one.description or one.price]
    return {
        f"line{places[int(name.partition('.')[2])]}" if name.startswith("items.") else name: fault
        for name, fault in faults.items()
    }


async def _draw(
    state: AppState, session: Session, page: FormSubject, content: ProposalContent
) -> tuple[ProposalFile | None, dict[str, str]]:
    try:
        drawn = await draw_proposal(
            state, page.context, content, sender=page.sender, author=_author(session), is_complete=True
        )
    except CannotDraw as fault:
        return None, {"": f"Not saved: {fault}"}
    return drawn, {}


def _author(session: Session) -> str:
    return f"{session.teammate.name} · {session.teammate.email}"


async def _picture(
    state: AppState, session: Session, page: FormSubject, form: ProposalForm
) -> tuple[tuple[str, int] | None, str | None]:
    """Return the first page as Base64 and the number of pages, or why there is none."""
    try:
        content = form.readable()
        drawn = await draw_proposal(
            state, page.context, content, sender=page.sender, author=_author(session), is_complete=False
        )
    except (CannotDraw, ArithmeticError) as fault:
        return None, str(fault) or "The amounts are too large."
    return (base64.b64encode(drawn.picture).decode(), drawn.pages), None


def _view(page: FormSubject, form: ProposalForm) -> dict[str, Any]:
    content = form.readable()
    try:
        total = money(content.total, content.currency)
    except ArithmeticError:
        total = "–"
    return {"page": page, "context": page.context, "form": form, "total": total, "does": _does(page, total)}


def _does(page: FormSubject, total: str) -> list[tuple[str, str]]:
    """Return what making the PDF does, each with its icon."""
    context = page.context
    if context.deal_status not in (None, "active"):
        return [("alert", f"The deal is {context.deal_status}: reopen it first.")]
    stage = stage_after(context.stage, page.stages)
    moved = f"moves to {sentence(stage)}" if stage else f"stays in {sentence(clipped(context.stage or ''))}"
    before = money(context.amount, context.currency) if context.amount is not None else None
    amount = f"{before} → {total}" if before and before != total else total
    received = "It is sample data, so nothing leaves Showup." if context.simulated else "Connected systems receive it"
    who = "" if context.simulated else "; the attendees get nothing yet."
    return [("deal", f"Deal {moved}, {amount}"), ("delivery", f"{received}{who}")]


async def _render(  # noqa: PLR0913  # each by its name
    request: Request,
    session: Session,
    state: AppState,
    tx: AsyncConnection,
    *,
    page: FormSubject,
    form: ProposalForm,
    seen: str,
    faults: dict[str, str] | None = None,
    other: FoundProposal | None = None,
    picture: tuple[str, int] | None = None,
    status: int = 200,
) -> Response:
    viewer = viewer_of(session, state)
    content = form.readable()
    today = today_of(page.context, viewer.now).date()
    days = None if content.valid_until is None else (content.valid_until - today).days
    view = _view(page, form) | {"seen": seen, "faults": faults or {}, "other": other, "picture": picture}
    view |= {"fault": None, "days": days, "viewer": viewer, "max_lines": MAX_ITEMS}
    return await render_shell(request, "proposal_form.html", view, tx=tx, session=session, state=state, status=status)
