"""`/bookings/{id}`: whether a meeting took place, what went out, how they found us; and the forms that report it."""

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.teammate import Session
from showup.bookings.booking import MeetingOutcome
from showup.database.engine import driver_connection
from showup.dispatch import manual_actions
from showup.events.booking import AttendeeReported, MatchUndone, OutcomeReported
from showup.events.manual import ManualEvent
from showup.reads.booking_page import failed_of_run, list_seats
from showup.reads.command_targets import BookingTarget, target_of_booking
from showup.reads.matches import find_match, find_undone_match
from showup.reads.record_timeline import Shown
from showup.web.dashboard.action_result import Undo
from showup.web.dashboard.booking_view import build_booking
from showup.web.dashboard.form_result import FormResult
from showup.web.dashboard.page_route import DashboardRoute
from showup.web.dashboard.record_page import RecordPage
from showup.web.dashboard.reports import OTHERS, OUTCOMES, REPORTED
from showup.web.dashboard.shell import record_visit
from showup.web.dashboard.timeline_query import EVERYTHING, Lines, Show
from showup.web.dashboard.timeline_view import LINES
from showup.web.dashboard.unit_of_work import unit_of_work_of
from showup.web.dashboard.words import Viewer, clipped
from showup.web.http.app_state import AppState, State, read_transaction, write_transaction
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedIn, SignedInMember, check_csrf
from showup.web.lead_links import link_event

router = APIRouter(include_in_schema=False, route_class=DashboardRoute)

_CAME: Final = {"showed": True, "no_show": False, "unknown": None}
_RESULTS: Final = {"showed": "came", "no_show": "did not come", "unknown": "is not reported any more"}


@router.get("/bookings/{booking_id}")
async def booking_page(
    request: Request, booking_id: UUID, session: SignedIn, state: State, show: Show = EVERYTHING, lines: Lines = LINES
) -> Response:
    """Show the page, also by the id of a booking that was merged into another one."""
    await record_visit(session, state)
    return await _PAGE.render(request, session, state, booking_id, shown=show, lines=lines)


@router.get("/parts/bookings/{booking_id}")
async def booking_part(
    request: Request, booking_id: UUID, session: SignedIn, state: State, show: Show = EVERYTHING, lines: Lines = LINES
) -> Response:
    """Return what changes on the page while it is open, with the counts of the frame."""
    return await _PAGE.render(request, session, state, booking_id, shown=show, lines=lines, part=True)


@router.post("/bookings/{booking_id}/outcome")
async def report_outcome(request: Request, booking_id: UUID, session: SignedInMember, state: State) -> Response:
    """Report how the meeting went, with one tap."""
    form = await _read(request, session)
    outcome = OUTCOMES.get(form.get("outcome", ""))
    if outcome is None:
        raise Refusal("invalid", f"An outcome is one of {', '.join(OUTCOMES)}.")
    booking, refused = await _execute(
        session, state, booking_id, lambda booking: OutcomeReported(subject=booking.name, outcome=outcome)
    )
    if refused is not None:
        return await _PAGE.after(request, session, state, booking.id, _refusal(refused, "outcome"), form)
    return await _PAGE.after(request, session, state, booking.id, _reported(booking.id, outcome), form)


@router.post("/bookings/{booking_id}/attendee")
async def report_attendee(request: Request, booking_id: UUID, session: SignedInMember, state: State) -> Response:
    """Report whether one attendee came; of the booker, that is the outcome of the meeting."""
    form = await _read(request, session)
    answer, position = form.get("came", ""), form.get("attendee", "")
    if answer not in _CAME:
        raise Refusal("invalid", f"An answer is one of {', '.join(_CAME)}.")
    async with read_transaction(state, session.permission) as tx:
        target = _found(await target_of_booking(tx, session.permission, booking_id))
        seats = {str(one.position): one for one in await list_seats(tx, target.id)}
    seat = seats.get(position)
    if seat is None:
        raise Refusal("not-found", "The meeting has no such attendee.")
    came = _CAME[answer]
    booking, refused = await _execute(
        session, state, target.id, lambda booking: AttendeeReported(subject=booking.name, attendee=seat.key, came=came)
    )
    if refused is not None:
        return await _PAGE.after(request, session, state, booking.id, _refusal(refused, f"attendee {position}"), form)
    is_first = seat.attended is None and came is not None
    undo = Undo(path=f"bookings/{booking.id}/attendee", fields={"attendee": position, "came": "unknown"})
    result = FormResult(text=f"{clipped(seat.words)} {_RESULTS[answer]}.", undo=undo if is_first else None)
    return await _PAGE.after(request, session, state, booking.id, result, form)


@router.post("/bookings/{booking_id}/retry")
async def retry_messages(request: Request, booking_id: UUID, session: SignedInMember, state: State) -> Response:
    """Try the failed messages of one kind to one destination again."""
    form = await _read(request, session)
    async with write_transaction(state) as tx:
        booking = _found(await target_of_booking(tx, session.permission, booking_id))
        ids = await failed_of_run(
            tx, session.permission, booking.id, destination=form.get("destination", ""), kind=form.get("kind", "")
        )
        connection = await driver_connection(tx)
        refusals = [await manual_actions.retry(connection, one, state.clock()) for one in ids]
    reasons = [one for one in refusals if one is not None]
    retried = len(refusals) - len(reasons)
    if reasons or not refusals:
        text = f"Not tried again: {reasons[0] if reasons else 'nothing of this kind has failed'}."
        if retried:
            text = f"{retried} will be tried again. {text}"
        return await _PAGE.after(
            request, session, state, booking.id, FormResult(text=text, is_fault=True, form="retry"), form
        )
    text = f"{retried} will be tried again." if retried > 1 else "It will be tried again."
    return await _PAGE.after(request, session, state, booking.id, FormResult(text=text), form)


@router.post("/matches/{match_id}/undo")
async def undo_match(request: Request, match_id: UUID, session: SignedInMember, state: State) -> Response:
    """Say that an attendee is not this lead. Showup does not match the two again by itself."""
    form = await _read(request, session)
    async with read_transaction(state, session.permission) as tx:
        match = await find_match(tx, session.permission, match_id)
    if match is None:
        raise Refusal("not-found", "You can see no such match.")
    booking, refused = await _execute(
        session,
        state,
        match["booking_id"],
        lambda booking: MatchUndone(subject=booking.name, attendee=match["attendee"], lead=match["lead"]["email"]),
    )
    if refused is not None:
        return await _PAGE.after(request, session, state, booking.id, _refusal(refused, "match"), form)
    text = f"{clipped(match['attendee'])} is not this lead any more."
    result = FormResult(text=text, undo=Undo(path=f"matches/{match_id}/restore", fields={}))
    return await _PAGE.after(request, session, state, booking.id, result, form)


@router.post("/matches/{match_id}/restore")
async def restore_match(request: Request, match_id: UUID, session: SignedInMember, state: State) -> Response:
    """Say that an attendee is this lead after all."""
    form = await _read(request, session)
    async with write_transaction(state) as tx:
        match = await find_undone_match(tx, session.permission, match_id)
        if match is None:
            raise Refusal("not-found", "You can see no such match that was undone.")
        booking = _found(await target_of_booking(tx, session.permission, match["booking_id"]))
        unit_of_work = unit_of_work_of(session, state, tx)
        event = await link_event(unit_of_work, booking, match, match["lead"]["id"])
        if event is None:
            raise Refusal("not-found", "The workspace has no such lead any more.")
        refused = (await unit_of_work.try_execute(booking.workspace_id, event)).refused
    if refused is not None:
        return await _PAGE.after(request, session, state, booking.id, _refusal(refused, "match"), form)
    text = f"{clipped(match['attendee'])} is this lead again."
    return await _PAGE.after(request, session, state, booking.id, FormResult(text=text), form)


async def _read(request: Request, session: Session) -> dict[str, str]:
    form = await read_form(request)
    check_csrf(request, session, form)
    return form


async def _execute(
    session: Session, state: AppState, booking_id: UUID, event_of: Callable[[BookingTarget], ManualEvent]
) -> tuple[BookingTarget, str | None]:
    """Execute the event that `event_of` makes for the booking; return the booking, and why it was refused."""
    async with write_transaction(state) as tx:
        booking = _found(await target_of_booking(tx, session.permission, booking_id))
        unit_of_work = unit_of_work_of(session, state, tx)
        result = await unit_of_work.try_execute(booking.workspace_id, event_of(booking))
    return booking, result.refused


def _found(booking: BookingTarget | None) -> BookingTarget:
    if booking is None:
        raise Refusal("not-found", "You can see no meeting with this address.")
    return booking


def _refusal(refused: str, form: str) -> FormResult:
    return FormResult(text=f"Not reported: {refused}.", is_fault=True, form=form)


def _reported(booking_id: UUID, outcome: MeetingOutcome) -> FormResult:
    other = OTHERS.get(outcome)
    undo = other and Undo(label=other[1], path=f"bookings/{booking_id}/outcome", fields={"outcome": other[0]})
    return FormResult(text=f"Reported: {REPORTED[outcome]}.", undo=undo)


async def _load(
    tx: AsyncConnection, session: Session, viewer: Viewer, booking_id: UUID, shown: Shown, lines: int
) -> dict[str, Any]:
    """Return what the page shows."""
    target = _found(await target_of_booking(tx, session.permission, booking_id))
    view = await build_booking(tx, session, viewer, target.id, shown=shown, limit=lines)
    if view is None:
        raise Refusal("not-found", "You can see no meeting with this address.")
    return {"view": view, "meeting": view.meeting}


_PAGE: Final = RecordPage(path="bookings", template="booking", read=_load)
