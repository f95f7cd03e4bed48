"""`/api/bookings/{id}`: reports about one attendee, and what is to be done next."""

from typing import Annotated, Any, ClassVar, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from showup.commands.unit_of_work import UnitOfWork
from showup.events.booking import AttendeeReported, NextStepChanged
from showup.events.manual import ManualBookingEvent
from showup.reads.booking import find_booking
from showup.reads.command_targets import BookingTarget, target_of_booking
from showup.values.email_address import normalize_email
from showup.web.api.bookings import BOOKING_DETAIL, BookingDetailResponse
from showup.web.api.schemas import PERSON, ok_response
from showup.web.http.command_route import CommandRoute
from showup.web.http.problems import found_or_404, problem_examples
from showup.web.http.query_params import WorkspaceQuery
from showup.web.http.request_fields import Name, Note, RequestBody
from showup.web.http.unit_of_work import WriteUnitOfWork, target_or_404

commands = APIRouter(prefix="/api/bookings", tags=["bookings"], route_class=CommandRoute)

_CAME: Final = {"showed": True, "no_show": False, "unreported": None}


class AttendeeRequest(RequestBody):
    """Whether one attendee came. `unreported` takes earlier reports about them back."""

    example: ClassVar = {"attendee": PERSON["email"], "attendance": "showed"}

    attendee: Name = Field(description="Their address in the booking, else the phone number, else the name.")
    attendance: Literal["showed", "no_show", "unreported"]


class NextStepRequest(RequestBody):
    """What is to be done next."""

    example: ClassVar = {"next_step": "Send a proposal by Friday."}

    next_step: Note = Field(description="An empty text: nothing, or it is done.")


@commands.post(
    "/{booking_id}/attendee",
    response_model=BookingDetailResponse,
    responses=ok_response(BOOKING_DETAIL) | problem_examples("not-found", "refused-by-rules"),
)
async def report_attendee(
    booking_id: UUID, body: AttendeeRequest, unit_of_work: WriteUnitOfWork, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Report whether one attendee came. A report about the booker is the booking's own attendance.

    Reporting the same again changes nothing.
    """
    booking = await _find(unit_of_work, booking_id)
    attendee = normalize_email(body.attendee) if "@" in body.attendee else body.attendee
    event = AttendeeReported(subject=booking.name, attendee=attendee, came=_CAME[body.attendance])
    return await _execute(unit_of_work, booking, event)


@commands.post(
    "/{booking_id}/next-step",
    response_model=BookingDetailResponse,
    responses=ok_response(BOOKING_DETAIL) | problem_examples("not-found", "refused-by-rules"),
)
async def update_next_step(
    booking_id: UUID, body: NextStepRequest, unit_of_work: WriteUnitOfWork, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Change what is to be done next after a meeting, or record that it is done."""
    booking = await _find(unit_of_work, booking_id)
    event = NextStepChanged(subject=booking.name, next_step=body.next_step)
    return await _execute(unit_of_work, booking, event)


async def _find(unit_of_work: UnitOfWork, booking_id: UUID) -> BookingTarget:
    return target_or_404(await target_of_booking(unit_of_work.tx, unit_of_work.permission, booking_id), "booking")


async def _execute(unit_of_work: UnitOfWork, booking: BookingTarget, event: ManualBookingEvent) -> Any:
    """Execute the event, and return the booking as it is now."""
    await unit_of_work.execute(booking.workspace_id, event)
    return found_or_404(
        await find_booking(unit_of_work.tx, unit_of_work.permission, booking.id, unit_of_work.at), "booking"
    )
