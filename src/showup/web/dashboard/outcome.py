"""`/outcome/{booking_id}`: how a meeting went, in fifteen seconds; `/outcomes`: the meetings that lack an answer."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.access.teammate import Session
from showup.database.engine import driver_connection
from showup.deals.deal import DealChange
from showup.events.booking import OutcomeReported
from showup.events.deal import DealChanged
from showup.events.manual import ManualEvent
from showup.inbox.rules import in_force
from showup.reads.agenda import AgendaMeeting, find_meeting, list_unreported
from showup.reads.command_targets import BookingTarget, target_of_booking, target_of_deal
from showup.reads.outcome import OutcomeForm, load_outcome_form
from showup.reads.shell import OUTCOMES_FOR
from showup.reads.usual_currency import usual_currency
from showup.web.dashboard.action_result import ActionResult
from showup.web.dashboard.amounts import amount_fault, parse_amount
from showup.web.dashboard.just_reported import just_reported
from showup.web.dashboard.offer import offer_view
from showup.web.dashboard.page_route import DashboardRoute, redirect
from showup.web.dashboard.reports import OUTCOMES, REPORTED
from showup.web.dashboard.shell import record_visit, render_shell, viewer_of
from showup.web.dashboard.today import Who
from showup.web.dashboard.today_view import meeting_row
from showup.web.dashboard.unit_of_work import unit_of_work_of
from showup.web.http.app_state import AppState, State, read_transaction, write_transaction
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedIn, SignedInMember, check_csrf

router = APIRouter(include_in_schema=False, route_class=DashboardRoute)

NEXT_STEPS: Final = ("Send a proposal", "Second call", "They get back to us", "Not a fit")
_MAX_NOTES: Final = 10_000
_LISTED: Final = 100
_LISTED_FOR: Final = timedelta(days=90)
_PREFILLED: Final = {"showed": "showed", "assumed": "showed", "noshow": "no_show", "host": "host_absent"}


@router.get("/outcomes")
async def outcomes_page(request: Request, session: SignedIn, state: State, who: Who | None = None) -> Response:
    """Show the meetings of the last 90 days that nobody has reported, latest first."""
    await record_visit(session, state)
    viewer = viewer_of(session, state)
    async with read_transaction(state, session.permission) as tx:
        found = await list_unreported(
            tx,
            session.permission,
            ended_from=viewer.now - _LISTED_FOR,
            ended_before=viewer.now,
            organizer=None if who == "team" else session.teammate.email,
            limit=_LISTED + 1,
        )
        can_write = session.permission.allows("write")
        rows = [meeting_row(one, viewer, can_write=can_write, is_older=True) for one in found[:_LISTED]]
        context = {"rows": rows, "has_more": len(found) > _LISTED, "who": who or "mine"}
        return await render_shell(request, "outcomes.html", context, tx=tx, session=session, state=state)


@router.get("/outcome/{booking_id}")
async def outcome_page(
    request: Request,
    booking_id: UUID,
    session: SignedInMember,
    state: State,
    answer: str = "",
    reported: UUID | None = None,
) -> Response:
    """Show the form, filled with what is known, and with `answer` chosen; `reported` is the booking saved before."""
    await record_visit(session, state)
    async with read_transaction(state, session.permission) as tx:
        meeting, known = await load_outcome(tx, session.permission, booking_id)
        values = filled_in(meeting, known, state.clock(), answer)
        before = await just_reported(tx, session.permission, reported)
        return await render_outcome(
            request, session, state, tx, meeting=meeting, known=known, values=values, before=before
        )


@router.post("/outcome/{booking_id}")
async def save_outcome(request: Request, booking_id: UUID, session: SignedInMember, state: State) -> Response:
    """Save the answer. If somebody else answered after the form was opened, show both answers instead."""
    form = await read_form(request)
    check_csrf(request, session, form)
    amount = parse_amount(form.get("amount", ""))
    faults = faults_of(form, amount)
    async with write_transaction(state) as tx:
        booking = await target_of_booking(tx, session.permission, booking_id)
        if booking is None:
            raise _not_found()
        unit_of_work = unit_of_work_of(session, state, tx)
        # From here on nobody else answers, so that the check below still holds when the answer is saved.
        await unit_of_work.lock(booking.workspace_id)
        meeting, known = await load_outcome(tx, session.permission, booking.id)
        is_overtaken = seen_of(known) != form.get("seen", "") and form.get("anyway") != "yes"
        if not faults and not is_overtaken:
            events = await events_of(tx, session.permission, booking, form, known, amount)
            result = await unit_of_work.try_execute(booking.workspace_id, *events)
            if result.refused is None:
                following = await _following(tx, session, state, booking.id)
                return redirect(request, f"{f'outcome/{following}' if following else ''}?reported={booking.id}")
            faults = {"outcome": f"Not saved: {result.refused}."}
        status = 409 if is_overtaken and not faults else 422
        return await render_outcome(
            request,
            session,
            state,
            tx,
            meeting=meeting,
            known=known,
            values=form,
            faults=faults,
            is_overtaken=is_overtaken and not faults,
            status=status,
        )


async def load_outcome(
    tx: AsyncConnection, permission: Permission, booking_id: UUID
) -> tuple[AgendaMeeting, OutcomeForm]:
    """Return a meeting and what is known of its outcome. Refuses one that the permission does not allow."""
    meeting = await find_meeting(tx, permission, booking_id)
    known = await load_outcome_form(tx, permission, booking_id)
    if meeting is None or known is None:
        raise _not_found()
    return meeting, known


def filled_in(meeting: AgendaMeeting, known: OutcomeForm, now: datetime, answer: str) -> dict[str, str]:
    """Return the form's values before anybody typed: the answer of the link, else what a report or the clock says."""
    outcome = answer if answer in OUTCOMES else known.outcome or _PREFILLED.get(meeting.state(now), "")
    return {"outcome": outcome, "notes": known.notes or "", "next_step": known.next_step or ""}


def _not_found() -> Refusal:
    return Refusal("not-found", "You can see no meeting with this address.")


def seen_of(known: OutcomeForm) -> str:
    """Return what tells whether somebody has answered since the form was opened."""
    return str(known.last_report.event_id) if known.last_report else ""


def faults_of(form: dict[str, str], amount: Decimal | None) -> dict[str, str]:
    """Return how to correct each field that is not accepted."""
    faults = {}
    if form.get("outcome") not in OUTCOMES:
        faults["outcome"] = "Choose what happened."
    if len(form.get("notes", "")) > _MAX_NOTES:
        faults["notes"] = f"Notes may have {_MAX_NOTES:,} characters."
    if form.get("next_step", "") not in ("", *NEXT_STEPS) and len(form["next_step"]) > _MAX_NOTES:
        faults["next_step"] = "Choose a next step of the list."
    currency = form.get("currency", "").upper()
    if form.get("amount") and (fault := amount_fault(amount, currency)):
        faults["amount"] = fault
    return faults


async def events_of(  # the answer, and what it is about
    tx: AsyncConnection,
    permission: Permission,
    booking: BookingTarget,
    form: dict[str, str],
    known: OutcomeForm,
    amount: Decimal | None,
) -> list[ManualEvent]:
    """Return the events that a form without faults causes: the report, and a change of the deal."""
    outcome = OUTCOMES[form["outcome"]]
    is_showed = outcome == "showed"
    report = OutcomeReported(
        subject=booking.name,
        outcome=outcome,
        notes=None if form.get("notes") == (known.notes or "") else form.get("notes"),
        next_step=(form.get("next_step") or None) if is_showed else None,
        # The form names what it could offer; without it the rules decide, as they do for an answer of one tap.
        offer=form.get("offer") == "yes" if outcome == "no_show" and "can_offer" in form else None,
    )
    target = await target_of_deal(tx, permission, booking.deal_id) if booking.deal_id else None
    stage, currency = form.get("stage") or None, form.get("currency", "").upper()
    is_new_amount = amount is not None and (amount, currency) != (known.amount, known.currency)
    if target is None or known.stage is None or not is_showed or not (stage or is_new_amount):
        return [report]
    change = DealChange(
        stage=stage, amount=amount if is_new_amount else None, currency=currency if is_new_amount else None
    )
    return [report, DealChanged(subject=target.name, change=change, seats_of=target.seats_of or target.company)]


async def _following(tx: AsyncConnection, session: Session, state: AppState, booking_id: UUID) -> UUID | None:
    """Return the next meeting of the teammate that lacks an answer."""
    now = state.clock()
    found = await list_unreported(
        tx,
        session.permission,
        ended_from=now - OUTCOMES_FOR,
        ended_before=now,
        organizer=session.teammate.email,
        limit=2,
    )
    return next((one.id for one in found if one.id != booking_id), None)


async def render_outcome(  # noqa: PLR0913  # each by its name
    request: Request,
    session: Session,
    state: AppState,
    tx: AsyncConnection,
    *,
    meeting: AgendaMeeting,
    known: OutcomeForm,
    values: dict[str, str],
    faults: dict[str, str] | None = None,
    is_overtaken: bool = False,
    consequences: str | None = None,
    before: ActionResult | None = None,
    status: int = 200,
) -> Response:
    """Show the form with these values.

    `consequences`: what saving them does; None: it is not tried yet. `before`: the answer that was saved before.
    """
    viewer = viewer_of(session, state)
    rules = (await in_force(await driver_connection(tx), session.workspace.id)).newest
    context: dict[str, Any] = {
        "meeting": meeting,
        "row": meeting_row(meeting, viewer, can_write=True, is_older=True),
        "known": known,
        "offer": await offer_view(tx, session.permission, meeting, viewer, rules),
        "stages": known.later_stages(rules.stages),
        "next_steps": NEXT_STEPS,
        "currency": known.currency or await usual_currency(tx, session.permission),
        "seen": seen_of(known),
        "reported": REPORTED,
        "later": await _following(tx, session, state, meeting.id),
        "values": values,
        "faults": faults or {},
        "is_overtaken": is_overtaken,
        "consequences": consequences,
        "before": before,
    }
    return await render_shell(request, "outcome.html", context, tx=tx, session=session, state=state, status=status)
