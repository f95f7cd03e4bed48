"""`/unmatched/{id}`: the answer to which lead an attendee is, as the page Today asks it (CA4)."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from showup.events.booking import AttendeeDismissed, DismissalUndone
from showup.events.manual import ManualEvent
from showup.reads.command_targets import target_of_booking
from showup.reads.unmatched import find_unmatched
from showup.web.dashboard.action_result import ActionResult, Undo
from showup.web.dashboard.page_route import DashboardRoute
from showup.web.dashboard.today import show_after
from showup.web.dashboard.unit_of_work import unit_of_work_of
from showup.web.dashboard.words import clipped
from showup.web.http.app_state import State, write_transaction
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedInMember, check_csrf
from showup.web.lead_links import link_event

router = APIRouter(include_in_schema=False, route_class=DashboardRoute)


@router.post("/unmatched/{unmatched_id}")
async def answer(request: Request, unmatched_id: UUID, session: SignedInMember, state: State) -> Response:
    """Match the attendee to the lead of the form; without one, to none. `restore` takes the latter back."""
    form = await read_form(request)
    check_csrf(request, session, form)
    async with write_transaction(state) as tx:
        unmatched = await find_unmatched(tx, session.permission, unmatched_id)
        booking = (
            None if unmatched is None else await target_of_booking(tx, session.permission, unmatched["booking_id"])
        )
        if unmatched is None or booking is None:
            raise Refusal("not-found", "You can see no such attendee. Somebody may have answered already.")
        unit_of_work = unit_of_work_of(session, state, tx)
        name, undo = clipped(unmatched["name"] or unmatched["attendee"]), None
        event: ManualEvent | None
        if form.get("restore"):
            event = DismissalUndone(subject=booking.name, attendee=unmatched["attendee"])
            text = f"{name} waits for an answer again."
        elif form.get("lead"):
            event = await link_event(unit_of_work, booking, unmatched, _lead_id(form["lead"]))
            text = f"{name} is matched."
        else:
            event = AttendeeDismissed(subject=booking.name, attendee=unmatched["attendee"])
            text = f"No campaign brought {name}."
            undo = Undo(label="Undo", path=f"unmatched/{unmatched_id}", fields={"restore": "yes"})
        if event is None:
            raise Refusal("not-found", "You can see no lead with this id.")
        refused = (await unit_of_work.try_execute(booking.workspace_id, event)).refused
    result = (
        ActionResult(text=f"Not answered: {refused}.", is_fault=True) if refused else ActionResult(text=text, undo=undo)
    )
    return await show_after(request, session, state, form, result)


def _lead_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Refusal("not-found", "You can see no lead with this id.") from None
