"""What somebody says and does about a booking: how the meeting went, and whose it is."""

from typing import Annotated, Any, ClassVar, Final, Self
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field, model_validator

from showup.bookings.booking import MeetingOutcome
from showup.reads.anchors import BookingAnchor, anchor_of_booking, anchor_of_company, anchor_of_deal
from showup.reads.booking import find_booking
from showup.sources.hand.command import ChangeDeal, Command, MoveBooking, ReportOutcome
from showup.web.acting import Hand, WritingHand, named, standing
from showup.web.api.bookings import BOOKING_DETAIL, BookingDetail
from showup.web.api.deal_commands import DealSaid
from showup.web.api.shapes import DEAL_ID, shows
from showup.web.bodies import Body, Note
from showup.web.command_route import CommandRoute
from showup.web.problems import documented, found_or_refused
from showup.web.questions import Question

router = APIRouter(prefix="/api/bookings", tags=["bookings"], route_class=CommandRoute)

_OUTCOME: Final = {
    "outcome": "showed",
    "notes": "They compare us with two others.",
    "next_step": "Send a proposal by Friday.",
    "deal": {"stage": "proposal", "amount": 12000.0, "currency": "USD"},
}


class Outcome(Body):
    """How the meeting went. `rescheduled`: it did not take place, and another time is coming."""

    example = _OUTCOME

    outcome: MeetingOutcome
    notes: Note | None = None
    next_step: Note | None = None
    deal: DealSaid | None = Field(None, description="What else is to be changed of the booking's deal.")


class Belonging(Body):
    """Where the booking belongs: to a deal, or to a company and whichever deal it has."""

    needs_any = True
    example: ClassVar = {"deal_id": DEAL_ID}

    deal_id: UUID | None = None
    company_id: UUID | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if len(self.model_fields_set) > 1:
            raise ValueError("Give either deal_id or company_id")
        return self


@router.post(
    "/{booking_id}/outcome",
    response_model=BookingDetail,
    responses=shows(BOOKING_DETAIL) | documented("not-found", "refused-by-rules"),
)
async def report_outcome(
    booking_id: UUID, said: Outcome, hand: WritingHand, _asked: Annotated[Question, Query()]
) -> Any:
    """Report how a meeting went and, in the same step, change its deal: both are done, or neither.

    Reporting the same again changes nothing.
    """
    booking = standing(await anchor_of_booking(hand.tx, hand.permit, booking_id), "booking")
    await hand.does(booking.workspace_id, *await _commands(hand, booking, said))
    return found_or_refused(await find_booking(hand.tx, hand.permit, booking.id, hand.at), "booking")


@router.post(
    "/{booking_id}/move",
    response_model=BookingDetail,
    responses=shows(BOOKING_DETAIL) | documented("not-found", "refused-by-rules"),
)
async def move(booking_id: UUID, said: Belonging, hand: WritingHand, _asked: Annotated[Question, Query()]) -> Any:
    """Attach a booking to another deal, or to another company."""
    booking = standing(await anchor_of_booking(hand.tx, hand.permit, booking_id), "booking")
    company, deal = await _destination(hand, booking.workspace_id, said)
    command = MoveBooking(**hand.signed, booking=booking.name, company=company, deal=deal)
    await hand.does(booking.workspace_id, command)
    return found_or_refused(await find_booking(hand.tx, hand.permit, booking.id, hand.at), "booking")


async def _commands(hand: Hand, booking: BookingAnchor, said: Outcome) -> list[Command]:
    report = ReportOutcome(
        **hand.signed, booking=booking.name, outcome=said.outcome, notes=said.notes, next_step=said.next_step
    )
    if said.deal is None or not said.deal.model_fields_set:
        return [report]
    of_deal = None if booking.deal_id is None else await anchor_of_deal(hand.tx, hand.permit, booking.deal_id)
    # A booking without a deal is named itself: that it has none is then refused, and in the log.
    deal = booking.name if of_deal is None else of_deal.name
    return [report, ChangeDeal(**hand.signed, deal=deal, change=said.deal.change())]


async def _destination(hand: Hand, workspace_id: UUID, said: Belonging) -> tuple[str, str | None]:
    """The company's key and, where one was named, the deal's name."""
    permit = hand.permit.within(workspace_id)
    if said.deal_id is not None:
        deal = named(await anchor_of_deal(hand.tx, permit, said.deal_id), "deal_id", "deal")
        return deal.company, deal.name
    assert said.company_id is not None, "one of the two is given"
    return named(await anchor_of_company(hand.tx, permit, said.company_id), "company_id", "company").name, None
