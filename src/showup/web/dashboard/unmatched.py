"""`/unmatched`: bookings that no campaign claims, each beside the lead that it may be (CA3; DESIGN, Unmatched)."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.teammate import Session
from showup.campaigns.match import match_id
from showup.commands.execute import CommandResult
from showup.commands.unit_of_work import UnitOfWork
from showup.events.booking import AttendeeDismissed, DismissalUndone, MatchUndone
from showup.reads.command_targets import BookingTarget, target_of_booking
from showup.reads.matches import find_match
from showup.reads.rows import Item
from showup.reads.unmatched import find_unmatched, has_leads
from showup.web.dashboard.page_route import DashboardRoute, is_part, redirect
from showup.web.dashboard.shell import record_visit, render_shell, viewer_of
from showup.web.dashboard.templates import render_page
from showup.web.dashboard.unmatched_view import build_pair, build_queue
from showup.web.http.app_state import AppState, State, read_transaction, write_transaction
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal
from showup.web.http.query_params import SearchText
from showup.web.http.sessions import SignedIn, SignedInMember, check_csrf
from showup.web.lead_links import link_event

router = APIRouter(include_in_schema=False, route_class=DashboardRoute)

_GONE = "This booking has its lead by now, or you can't see it. Open the queue for the next one."


class Done(Struct, frozen=True, kw_only=True):
    """What the reader did last, and the form that takes it back."""

    text: str
    undo: str


class UnmatchedPage(Struct, frozen=True, kw_only=True):
    """The parameters of the page: the chosen lead, the search, and what was done before, for its undo.

    `current` is who is open while htmx asks for the queue.
    """

    lead: UUID | None = None
    q: str = ""
    current: UUID | None = None
    linked: UUID | None = None
    dismissed: UUID | None = None


def _parameters(
    lead: UUID | None = None,
    q: Annotated[SearchText, Query()] = "",
    linked: UUID | None = None,
    dismissed: UUID | None = None,
    current: UUID | None = None,
) -> UnmatchedPage:
    return UnmatchedPage(lead=lead, q=q.strip(), linked=linked, dismissed=dismissed, current=current)


Wanted = Annotated[UnmatchedPage, Depends(_parameters)]


@router.get("/unmatched")
async def unmatched_page(request: Request, session: SignedIn, state: State, wanted: Wanted) -> Response:
    """Show the queue, with the surest pair open."""
    return await _page(request, session, state, None, wanted)


@router.get("/unmatched/{unmatched_id}")
async def unmatched_pair(
    request: Request, unmatched_id: UUID, session: SignedIn, state: State, wanted: Wanted
) -> Response:
    """Show the queue, with this attendee open."""
    return await _page(request, session, state, unmatched_id, wanted)


@router.post("/unmatched/{unmatched_id}/link")
async def link(request: Request, unmatched_id: UUID, session: SignedInMember, state: State) -> Response:
    """Link the attendee to the lead."""
    form = await _form(request, session)
    lead_id = _uuid(form.get("lead_id"))
    async with write_transaction(state) as tx:
        unit_of_work = _unit_of_work(session, state, tx)
        unmatched, booking = await _find(tx, session, unmatched_id)
        event = None if lead_id is None else await link_event(unit_of_work, booking, unmatched, lead_id)
        if event is None:
            raise Refusal("not-found", "There is no such lead any more. Open the pair again.")
        result = await unit_of_work.try_execute(booking.workspace_id, event)
    _check(result)
    return _following(request, form, f"linked={match_id(booking.id, event.attendee, event.lead)}")


@router.post("/unmatched/{unmatched_id}/dismiss")
async def dismiss(request: Request, unmatched_id: UUID, session: SignedInMember, state: State) -> Response:
    """Record that no campaign brought the attendee."""
    form = await _form(request, session)
    async with write_transaction(state) as tx:
        unmatched, booking = await _find(tx, session, unmatched_id)
        event = AttendeeDismissed(subject=booking.name, attendee=unmatched["attendee"])
        result = await _unit_of_work(session, state, tx).try_execute(booking.workspace_id, event)
    _check(result)
    return _following(request, form, f"dismissed={unmatched_id}")


@router.post("/unmatched/{unmatched_id}/restore")
async def restore(request: Request, unmatched_id: UUID, session: SignedInMember, state: State) -> Response:
    """Take a dismissal back."""
    await _form(request, session)
    async with write_transaction(state) as tx:
        unmatched, booking = await _find(tx, session, unmatched_id)
        event = DismissalUndone(subject=booking.name, attendee=unmatched["attendee"])
        result = await _unit_of_work(session, state, tx).try_execute(booking.workspace_id, event)
    _check(result)
    return redirect(request, f"unmatched/{unmatched_id}")


@router.post("/unmatched/matches/{match_id}/undo")
async def undo_link(request: Request, match_id: UUID, session: SignedInMember, state: State) -> Response:
    """Take a link back: Showup does not make it again by itself."""
    await _form(request, session)
    async with write_transaction(state) as tx:
        match = await find_match(tx, session.permission, match_id)
        booking = None if match is None else await target_of_booking(tx, session.permission, match["booking_id"])
        if match is None or booking is None:
            raise Refusal("not-found", "This link is taken back already, or you can't see it.")
        event = MatchUndone(subject=booking.name, attendee=match["attendee"], lead=match["lead"]["email"])
        result = await _unit_of_work(session, state, tx).try_execute(booking.workspace_id, event)
    _check(result)
    return redirect(request, "unmatched")


async def _page(
    request: Request, session: Session, state: AppState, unmatched_id: UUID | None, wanted: UnmatchedPage
) -> Response:
    viewer = viewer_of(session, state)
    if not is_part(request):
        await record_visit(session, state)
    # A part is asked for at the path of its page, so that its links are relative to the same place.
    path = "unmatched" if unmatched_id is None else f"unmatched/{unmatched_id}"
    async with read_transaction(state, session.permission) as tx:
        queue = await build_queue(tx, session.permission, viewer)
        if is_part(request):
            context: dict[str, Any] = {"queue": queue, "current": wanted.current, "path": path}
            return render_page(request, "parts/unmatched_queue.html", context)
        done = await _done(tx, session, wanted)
        first = queue.rows[0].id if queue.rows else None
        pair, current = None, unmatched_id or first
        for one in dict.fromkeys((current, first)):
            current = one
            if one is not None:
                pair = await build_pair(tx, session.permission, viewer, one, lead_id=wanted.lead, search=wanted.q)
            # After an answer, the next one may have been answered by somebody else meanwhile.
            if pair is not None or done is None:
                break
        if pair is None and current is not None:
            raise Refusal("not-found", _GONE)
        context = {
            "queue": queue,
            "path": path,
            "pair": pair,
            "current": current,
            "later": None if current is None else queue.after(current),
            "done": done,
            "has_leads": (pair is not None and pair.lead is not None) or await has_leads(tx, session.permission),
        }
        return await render_shell(request, "unmatched.html", context, tx=tx, session=session, state=state)


async def _done(tx: AsyncConnection, session: Session, wanted: UnmatchedPage) -> Done | None:
    """Return what was done last, as far as it still stands."""
    if wanted.linked is not None:
        match = await find_match(tx, session.permission, wanted.linked)
        if match is not None:
            text = f"Linked {match['attendee']} to {match['campaign']['name']}."
            return Done(text=text, undo=f"unmatched/matches/{wanted.linked}/undo")
    if wanted.dismissed is not None:
        unmatched = await find_unmatched(tx, session.permission, wanted.dismissed)
        if unmatched is not None and unmatched["dismissed"]:
            text = f"No campaign brought {unmatched['attendee']}."
            return Done(text=text, undo=f"unmatched/{wanted.dismissed}/restore")
    return None


async def _form(request: Request, session: Session) -> dict[str, str]:
    form = await read_form(request)
    check_csrf(request, session, form)
    return form


async def _find(tx: AsyncConnection, session: Session, unmatched_id: UUID) -> tuple[Item, BookingTarget]:
    unmatched = await find_unmatched(tx, session.permission, unmatched_id)
    booking = None if unmatched is None else await target_of_booking(tx, session.permission, unmatched["booking_id"])
    if unmatched is None or booking is None:
        raise Refusal("not-found", _GONE)
    return unmatched, booking


def _check(result: CommandResult) -> None:
    """Say why the rules refused a command; its transaction has committed, because the log records it."""
    if result.refused is not None:
        raise Refusal("conflict", f"Nothing was changed: {result.refused}.")


def _unit_of_work(session: Session, state: AppState, tx: AsyncConnection) -> UnitOfWork:
    return UnitOfWork(permission=session.permission, tx=tx, at=state.clock(), handlers=state.event_handlers)


def _following(request: Request, form: dict[str, str], done: str) -> Response:
    """Lead to the next attendee, as the queue was when the form was opened."""
    following = _uuid(form.get("next"))
    return redirect(request, f"unmatched/{following}?{done}" if following else f"unmatched?{done}")


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None
