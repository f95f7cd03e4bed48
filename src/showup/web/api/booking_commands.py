"""Commands on bookings: report a meeting's outcome, and move a booking to another deal or company."""

from typing import Annotated, Any, ClassVar, Final, Self
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field, model_validator

from showup.bookings.booking import MeetingOutcome
from showup.commands.unit_of_work import UnitOfWork
from showup.events.booking import BookingAttached, OutcomeReported
from showup.events.deal import DealChanged
from showup.events.manual import ManualEvent
from showup.reads.booking import find_booking
from showup.reads.command_targets import BookingTarget, target_of_booking, target_of_company, target_of_deal
from showup.web.api.bookings import BOOKING_DETAIL, BookingDetailResponse
from showup.web.api.deal_commands import DealFields
from showup.web.api.schemas import DEAL_ID, ok_response
from showup.web.command_route import CommandRoute
from showup.web.problems import found_or_404, problem_examples
from showup.web.query_params import WorkspaceQuery
from showup.web.request_fields import Note, RequestBody
from showup.web.unit_of_work import WriteUnitOfWork, target_or_404, target_or_422

router = APIRouter(prefix="/api/bookings", tags=["bookings"], route_class=CommandRoute)

_OUTCOME: Final = {
    "outcome": "showed",
    "notes": "They compare us with two others.",
    "next_step": "Send a proposal by Friday.",
    "deal": {"stage": "proposal", "amount": 12000.0, "currency": "USD"},
}


class OutcomeRequest(RequestBody):
    """How the meeting went. `rescheduled`: it did not take place and will get another time."""

    example = _OUTCOME

    outcome: MeetingOutcome
    notes: Note | None = None
    next_step: Note | None = None
    deal: DealFields | None = Field(None, description="Changes to the booking's deal.")


class MoveBookingRequest(RequestBody):
    """The new owner of a booking: a deal, or a company and its deal if it has one."""

    requires_any = True
    example: ClassVar = {"deal_id": DEAL_ID}

    deal_id: UUID | None = None
    company_id: UUID | None = None

    @model_validator(mode="after")
    def _require_exactly_one(self) -> Self:
        if len(self.model_fields_set) > 1:
            raise ValueError("Send either deal_id or company_id")
        return self


@router.post(
    "/{booking_id}/outcome",
    response_model=BookingDetailResponse,
    responses=ok_response(BOOKING_DETAIL) | problem_examples("not-found", "refused-by-rules"),
)
async def report_outcome(
    booking_id: UUID, body: OutcomeRequest, unit_of_work: WriteUnitOfWork, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Report how a meeting went and, optionally, change its deal. Both changes are made, or neither.

    Reporting the same outcome again changes nothing.
    """
    booking = target_or_404(await target_of_booking(unit_of_work.tx, unit_of_work.permission, booking_id), "booking")
    await unit_of_work.execute(booking.workspace_id, *await _events_of_report(unit_of_work, booking, body))
    return found_or_404(
        await find_booking(unit_of_work.tx, unit_of_work.permission, booking.id, unit_of_work.at), "booking"
    )


@router.post(
    "/{booking_id}/move",
    response_model=BookingDetailResponse,
    responses=ok_response(BOOKING_DETAIL) | problem_examples("not-found", "refused-by-rules"),
)
async def move_booking(
    booking_id: UUID,
    body: MoveBookingRequest,
    unit_of_work: WriteUnitOfWork,
    _query: Annotated[WorkspaceQuery, Query()],
) -> Any:
    """Move a booking to another deal or to another company."""
    booking = target_or_404(await target_of_booking(unit_of_work.tx, unit_of_work.permission, booking_id), "booking")
    company, deal = await _resolve_destination(unit_of_work, booking.workspace_id, body)
    event = BookingAttached(subject=booking.name, company=company, deal=deal)
    await unit_of_work.execute(booking.workspace_id, event)
    return found_or_404(
        await find_booking(unit_of_work.tx, unit_of_work.permission, booking.id, unit_of_work.at), "booking"
    )


async def _events_of_report(
    unit_of_work: UnitOfWork, booking: BookingTarget, body: OutcomeRequest
) -> list[ManualEvent]:
    report = OutcomeReported(subject=booking.name, outcome=body.outcome, notes=body.notes, next_step=body.next_step)
    if body.deal is None or not body.deal.model_fields_set:
        return [report]
    deal_target = (
        None
        if booking.deal_id is None
        else await target_of_deal(unit_of_work.tx, unit_of_work.permission, booking.deal_id)
    )
    # For a booking without a deal, the command targets the booking itself: the rules then refuse it and the log records
    # why.
    deal = booking.name if deal_target is None else deal_target.name
    return [report, DealChanged(subject=deal, change=body.deal.to_deal_change())]


async def _resolve_destination(
    unit_of_work: UnitOfWork, workspace_id: UUID, body: MoveBookingRequest
) -> tuple[str, str | None]:
    """Return the company's key and, if the body named a deal, the deal's name."""
    permission = unit_of_work.permission.limited_to(workspace_id)
    if body.deal_id is not None:
        deal = target_or_422(await target_of_deal(unit_of_work.tx, permission, body.deal_id), "deal_id", "deal")
        return deal.company, deal.name
    assert body.company_id is not None, "the body has deal_id or company_id"
    return target_or_422(
        await target_of_company(unit_of_work.tx, permission, body.company_id), "company_id", "company"
    ).name, None
