"""`/deals/{id}`: what happened with a deal, what is next, and why it is so; and the forms that change it."""

from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.teammate import Session
from showup.deals.deal import DealChange
from showup.events.booking import NextStepChanged
from showup.events.deal import DealChanged
from showup.reads.command_targets import DealTarget, target_of_booking, target_of_deal
from showup.reads.deal_meetings import meetings_of_deals
from showup.reads.deal_page import active_deal_of_company, changes_of_deal
from showup.reads.record_timeline import Shown
from showup.web.dashboard.action_result import Undo
from showup.web.dashboard.amounts import amount_fault, parse_amount
from showup.web.dashboard.deal_view import MEETINGS, build_deal, reverse_of, undoable_change
from showup.web.dashboard.form_result import FormResult
from showup.web.dashboard.page_route import DashboardRoute
from showup.web.dashboard.record_page import RecordPage
from showup.web.dashboard.shell import record_visit
from showup.web.dashboard.timeline_query import EVERYTHING, Lines, Show
from showup.web.dashboard.timeline_view import LINES
from showup.web.dashboard.unit_of_work import unit_of_work_of
from showup.web.dashboard.words import Viewer, money, sentence
from showup.web.http.app_state import AppState, State, read_transaction, write_transaction
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedIn, SignedInMember, check_csrf

router = APIRouter(include_in_schema=False, route_class=DashboardRoute)

_MAX_TEXT: Final = 1_000
_STATUSES: Final = ("won", "lost", "active")


@router.get("/deals/{deal_id}")
async def deal_page(
    request: Request, deal_id: UUID, session: SignedIn, state: State, show: Show = EVERYTHING, lines: Lines = LINES
) -> Response:
    """Show the page, also by the id of a deal that no longer exists."""
    await record_visit(session, state)
    return await _PAGE.render(request, session, state, deal_id, shown=show, lines=lines)


@router.get("/parts/deals/{deal_id}")
async def deal_part(
    request: Request, deal_id: UUID, session: SignedIn, state: State, show: Show = EVERYTHING, lines: Lines = LINES
) -> Response:
    """Return what changes on the page while it is open, with the counts of the frame."""
    return await _PAGE.render(request, session, state, deal_id, shown=show, lines=lines, part=True)


@router.post("/deals/{deal_id}/change")
async def change_deal(request: Request, deal_id: UUID, session: SignedInMember, state: State) -> Response:
    """Move the deal, win, lose or reopen it, or correct its amount or owner."""
    form = await read_form(request)
    check_csrf(request, session, form)
    change = _change_of(form)
    if isinstance(change, FormResult):
        await _require(session, state, deal_id)
        return await _PAGE.after(request, session, state, deal_id, change, form)
    async with write_transaction(state) as tx:
        deal = _found(await target_of_deal(tx, session.permission, deal_id))
        event = DealChanged(subject=deal.name, change=change, seats_of=deal.seats_of or deal.company)
        done = await unit_of_work_of(session, state, tx).try_execute(deal.workspace_id, event)
        other = None
        if done.refused is not None and change.status == "active":
            other = await active_deal_of_company(tx, session.permission, deal.id)
    if done.refused is not None:
        text = f"Not changed: {done.refused}."
        result = FormResult(text=text, is_fault=True, form=form.get("form", ""), values=form, other_deal=other)
    else:
        undo = Undo(path=f"deals/{deal.id}/undo", fields={"event": str(done.event_ids[0])})
        is_undoable = await _is_undoable(session, state, deal.id, done.event_ids[0])
        result = FormResult(text=_describe(change), undo=undo if is_undoable else None)
    return await _PAGE.after(request, session, state, deal_id, result, form)


@router.post("/deals/{deal_id}/undo")
async def undo_change(request: Request, deal_id: UUID, session: SignedInMember, state: State) -> Response:
    """Take the deal's last change back, unless something changed it since."""
    form = await read_form(request)
    check_csrf(request, session, form)
    async with write_transaction(state) as tx:
        deal = _found(await target_of_deal(tx, session.permission, deal_id))
        unit_of_work = unit_of_work_of(session, state, tx)
        # From here on nobody else changes it.
        await unit_of_work.lock(deal.workspace_id)
        last = undoable_change(await changes_of_deal(tx, session.permission, deal.id))
        change = None if last is None or str(last.event_id) != form.get("event") else reverse_of(last)
        refused: str | None = "the deal was changed since, so look at it first"
        if change is not None:
            event = DealChanged(subject=deal.name, change=change, seats_of=deal.seats_of or deal.company)
            refused = (await unit_of_work.try_execute(deal.workspace_id, event)).refused
    text = "Taken back." if refused is None else f"Not taken back: {refused}."
    return await _PAGE.after(
        request, session, state, deal_id, FormResult(text=text, is_fault=refused is not None), form
    )


@router.post("/deals/{deal_id}/next-step")
async def change_next_step(request: Request, deal_id: UUID, session: SignedInMember, state: State) -> Response:
    """Change what is to be done next, or say that it is done. It belongs to a meeting of the deal."""
    form = await read_form(request)
    check_csrf(request, session, form)
    step = "" if form.get("done") else form.get("next_step", "")
    await _require(session, state, deal_id)
    if len(step) > _MAX_TEXT or (not step and not form.get("done")):
        text = f"Write what is to be done next, in up to {_MAX_TEXT:,} characters."
        fault = FormResult(text=text, is_fault=True, form="next_step", values=form)
        return await _PAGE.after(request, session, state, deal_id, fault, form)
    async with write_transaction(state) as tx:
        deal = _found(await target_of_deal(tx, session.permission, deal_id))
        booking = await target_of_booking(tx, session.permission, _uuid(form.get("booking", "")))
        meetings = await meetings_of_deals(tx, session.permission, [deal.id], state.clock(), newest=MEETINGS)
        meeting = next((one for one in meetings[deal.id] if booking is not None and one.id == booking.id), None)
        if booking is None or meeting is None:
            raise Refusal("not-found", "The deal has no such meeting.")
        event = NextStepChanged(subject=booking.name, next_step=step)
        refused = (await unit_of_work_of(session, state, tx).try_execute(booking.workspace_id, event)).refused
    text = f"Not changed: {refused}." if refused else "Next step saved." if step else "Next step done."
    is_changed = refused is None and step != (meeting.next_step or "")
    undo = _former_step(deal.id, booking.id, meeting.next_step) if is_changed else None
    result = FormResult(text=text, is_fault=refused is not None, form="next_step", values=form, undo=undo)
    return await _PAGE.after(request, session, state, deal_id, result, form)


def _former_step(deal_id: UUID, booking_id: UUID, former: str | None) -> Undo | None:
    """Return the button that sets what was to be done before; None if the form takes no text as long."""
    if former is not None and len(former) > _MAX_TEXT:
        return None
    step = {"next_step": former} if former else {"done": "yes"}
    return Undo(path=f"deals/{deal_id}/next-step", fields={"booking": str(booking_id), **step})


def _change_of(form: dict[str, str]) -> DealChange | FormResult:
    """Return the change that a form asks for, or what is wrong with it."""
    match form.get("form"):
        case "stage":
            return DealChange(stage=form.get("stage", "")[:_MAX_TEXT])
        case "status" | "lost" if form.get("status") in _STATUSES:
            reason = form.get("lost_reason", "")
            if form["status"] == "lost" and not 0 < len(reason) <= _MAX_TEXT:
                return _fault(form, f"Say why it is lost, in up to {_MAX_TEXT:,} characters.")
            return DealChange(status=form["status"], lost_reason=reason if form["status"] == "lost" else None)  # type: ignore[arg-type]  # one of _STATUSES
        case "amount":
            amount, currency = parse_amount(form.get("amount", "")), form.get("currency", "").upper()
            if fault := amount_fault(amount, currency):
                return _fault(form, fault)
            return DealChange(amount=amount, currency=currency)
        case "owner" if form.get("owner"):
            return DealChange(owner_email=form["owner"][:_MAX_TEXT].lower())
        case _:
            raise Refusal("invalid", "The form names no change of the deal.")


def _fault(form: dict[str, str], text: str) -> FormResult:
    return FormResult(text=text, is_fault=True, form=form.get("form", ""), values=form)


def _describe(change: DealChange) -> str:
    """Return what the change did."""
    if change.stage is not None:
        return f"Moved to {sentence(change.stage)}."
    if change.status is not None:
        return {"won": "Won.", "lost": "Lost.", "active": "Reopened."}.get(change.status, "Changed.")
    if change.amount is not None:
        return f"Amount: {money(change.amount, change.currency)}."
    return "Owner changed."


async def _is_undoable(session: Session, state: AppState, deal_id: UUID, event_id: UUID) -> bool:
    async with read_transaction(state, session.permission) as tx:
        last = undoable_change(await changes_of_deal(tx, session.permission, deal_id))
    return last is not None and last.event_id == event_id


async def _require(session: Session, state: AppState, deal_id: UUID) -> None:
    async with read_transaction(state, session.permission) as tx:
        _found(await target_of_deal(tx, session.permission, deal_id))


def _found(deal: DealTarget | None) -> DealTarget:
    if deal is None:
        raise Refusal("not-found", "You can see no deal with this address.")
    return deal


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Refusal("invalid", "The form names no meeting.") from None


async def _load(
    tx: AsyncConnection, session: Session, viewer: Viewer, deal_id: UUID, shown: Shown, lines: int
) -> dict[str, Any]:
    """Return what the page shows."""
    target = _found(await target_of_deal(tx, session.permission, deal_id))
    view = await build_deal(tx, session, viewer, target.id, shown=shown, limit=lines)
    if view is None:
        raise Refusal("not-found", "You can see no deal with this address.")
    return {"view": view, "deal": view.deal}


_PAGE: Final = RecordPage(path="deals", template="deal", read=_load)
