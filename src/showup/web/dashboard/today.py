"""`/`: the page Today: what is next, what is owed, and what broke (DESIGN, Today)."""

from typing import Annotated
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from showup.access import sessions_store
from showup.access.teammate import Session
from showup.database.engine import driver_connection
from showup.dispatch import manual_actions
from showup.events.booking import OutcomeReported
from showup.events.delivery import RecordChosen
from showup.reads.command_targets import target_of_booking
from showup.reads.deliveries import workspace_of_delivery
from showup.web.dashboard.action_result import ActionResult
from showup.web.dashboard.just_reported import correction, just_reported
from showup.web.dashboard.page_route import DashboardRoute, is_part, redirect
from showup.web.dashboard.pipeline import render_board
from showup.web.dashboard.pipeline_view import query_of
from showup.web.dashboard.reports import OUTCOMES, REPORTED
from showup.web.dashboard.shell import record_visit, shell_context, viewer_of
from showup.web.dashboard.templates import render_page
from showup.web.dashboard.today_view import build_today
from showup.web.dashboard.unit_of_work import unit_of_work_of
from showup.web.http.app_state import AppState, ReadTransaction, State, read_transaction, write_transaction
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedIn, SignedInMember, check_csrf

router = APIRouter(include_in_schema=False, route_class=DashboardRoute)

Who = Annotated[str, Query(pattern="^(mine|team)$")]


@router.get("/")
async def today_page(
    request: Request, session: SignedIn, state: State, who: Who | None = None, reported: UUID | None = None
) -> Response:
    """Show the page; `reported` is the booking whose outcome was saved before."""
    since = sessions_store.last_visit(session.teammate, state.clock())
    await record_visit(session, state)
    async with read_transaction(state, session.permission) as tx:
        viewer = viewer_of(session, state)
        today = await build_today(tx, session, viewer, who=who, since=since)
        result = await just_reported(tx, session.permission, reported)
        context = await shell_context(tx, session, viewer) | {"today": today, "result": result}
    return render_page(request, "today.html", context)


@router.get("/parts/today")
async def today_part(
    request: Request, session: SignedIn, tx: ReadTransaction, state: State, who: Who | None = None
) -> Response:
    """Return what changes on the page while it is open, with the counts of the frame."""
    viewer = viewer_of(session, state)
    since = sessions_store.last_visit(session.teammate, viewer.now)
    today = await build_today(tx, session, viewer, who=who, since=since)
    context = await shell_context(tx, session, viewer) | {"today": today, "result": None}
    return render_page(request, "parts/today.html", context)


@router.post("/bookings/{booking_id}/report")
async def report(request: Request, booking_id: UUID, session: SignedInMember, state: State) -> Response:
    """Report an outcome with one tap. A refusal by the rules is shown, and changes nothing."""
    form = await read_form(request)
    check_csrf(request, session, form)
    outcome = OUTCOMES.get(form.get("outcome", ""))
    if outcome is None:
        raise Refusal("invalid", f"An outcome is one of {', '.join(OUTCOMES)}.")
    async with write_transaction(state) as tx:
        unit_of_work = unit_of_work_of(session, state, tx)
        booking = await target_of_booking(tx, session.permission, booking_id)
        if booking is None:
            raise Refusal("not-found", "You can see no booking with this id.")
        event = OutcomeReported(subject=booking.name, outcome=outcome)
        result = await unit_of_work.try_execute(booking.workspace_id, event)
    if result.refused is not None:
        action_result = ActionResult(booking_id=booking.id, text=f"Not reported: {result.refused}.", is_fault=True)
    else:
        text = f"Reported: {REPORTED[outcome]}."
        action_result = ActionResult(booking_id=booking.id, text=text, undo=correction(booking.id, outcome, form))
    return await show_after(request, session, state, form, action_result)


@router.post("/deliveries/{delivery_id}/choose")
async def choose(request: Request, delivery_id: UUID, session: SignedInMember, state: State) -> Response:
    """Answer which record of another system is meant; without a record, none of them."""
    form = await read_form(request)
    check_csrf(request, session, form)
    async with write_transaction(state) as tx:
        workspace_id = await workspace_of_delivery(tx, delivery_id)
        if workspace_id is None or not session.permission.can_see(workspace_id):
            raise Refusal("not-found", "You can see no such question.")
        event = RecordChosen(delivery_id=delivery_id, record=form.get("record") or None)
        result = await unit_of_work_of(session, state, tx).try_execute(workspace_id, event)
    text = "Answered." if result.refused is None else f"Not answered: {result.refused}."
    return await show_after(request, session, state, form, ActionResult(text=text, is_fault=result.refused is not None))


@router.post("/deliveries/retry")
async def retry(request: Request, session: SignedInMember, state: State) -> Response:
    """Try again what failed at one destination."""
    form = await read_form(request)
    check_csrf(request, session, form)
    destination = form.get("destination", "")
    if not destination:
        raise Refusal("invalid", "The form names no destination.")
    async with write_transaction(state) as tx:
        selection = manual_actions.FailedFilter(workspace_id=session.workspace.id, destination=destination)
        result = await manual_actions.retry_failed(await driver_connection(tx), selection, state.clock())
    text = f"{result.retried} will be tried again." if result.retried else "Nothing could be tried again."
    if result.expired:
        text += f" {result.expired} came too late: their time is over."
    return await show_after(request, session, state, form, ActionResult(text=text))


async def show_after(
    request: Request, session: Session, state: AppState, form: dict[str, str], action_result: ActionResult
) -> Response:
    """Show the page as it is now: for htmx its part, with its result as a toast or at the row."""
    board = query_of(dict(parse_qsl(form.get("board", "").removeprefix("?"))))
    if not is_part(request):
        if action_result.is_fault:
            raise Refusal("conflict", action_result.text)
        if form.get("back") == "pipeline":
            return redirect(request, f"pipeline{board.path()}")
        if form.get("back") == "outcomes":
            return redirect(request, f"outcomes?who={'team' if form.get('who') == 'team' else 'mine'}")
        return redirect(request, f"?who={form['who']}" if form.get("who") in ("mine", "team") else "")
    if form.get("back") == "pipeline":
        return await render_board(request, session, state, board, result=action_result)
    async with read_transaction(state, session.permission) as tx:
        viewer = viewer_of(session, state)
        since = sessions_store.last_visit(session.teammate, viewer.now)
        today = await build_today(tx, session, viewer, who=form.get("who"), since=since)
        context = await shell_context(tx, session, viewer) | {"today": today, "result": action_result}
    return render_page(request, "parts/today.html", context)
