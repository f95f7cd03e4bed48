"""`/api/bookings`: meetings, their invited attendees and their attendance."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, model_validator

from showup.bookings.booking import MeetingOutcome
from showup.commands.unit_of_work import UnitOfWork
from showup.events.booking import BookingAttached, OutcomeReported
from showup.events.deal import DealChanged
from showup.events.manual import ManualEvent
from showup.pipeline.seat_deals import deal_name
from showup.reads.booking import find_booking
from showup.reads.bookings import SORTS, BookingFilter, BookingOutcome, list_bookings
from showup.reads.command_targets import BookingTarget, target_of_booking, target_of_company, target_of_deal
from showup.reads.simulated import SimulatedFilter
from showup.web.api.deals import DealFields
from showup.web.api.deliveries import DeliveryStatusResponse
from showup.web.api.examples import DELIVERY_STATUS
from showup.web.api.matches import MATCH, MatchResponse
from showup.web.api.schemas import (
    ATTENDANCE,
    BOOKING_SUMMARY,
    COMPANY,
    DEAL_ID,
    PERSON,
    TIMELINE_ENTRY,
    Attendance,
    BookingStatus,
    BookingSummary,
    CompanySummary,
    DealStatus,
    Example,
    PageResponse,
    TimelineEntry,
    ok_response,
    page_example,
)
from showup.web.http.api_route import ApiRoute
from showup.web.http.app_state import ReadTransaction, State
from showup.web.http.auth import Reader
from showup.web.http.command_route import CommandRoute
from showup.web.http.paging import page_response
from showup.web.http.problems import found_or_404, problem_examples
from showup.web.http.query_params import SIMULATED, ListQuery, SearchText, ShortText, Timestamp, WorkspaceQuery, any_of
from showup.web.http.request_fields import Note, RequestBody
from showup.web.http.unit_of_work import WriteUnitOfWork, target_or_404, target_or_422

router = APIRouter(prefix="/api/bookings", tags=["bookings"], route_class=ApiRoute)
commands = APIRouter(prefix="/api/bookings", tags=["bookings"], route_class=CommandRoute)


class BookingQuery(ListQuery):
    """Filters and paging for bookings."""

    uid: list[ShortText] = any_of("Any Cal.com uid that the booking has or had.")
    status: list[BookingStatus] = any_of()
    attended: list[Literal["true", "false", "null"]] = any_of("`null`: attendance not reported.")
    outcome: list[BookingOutcome] = any_of(
        "What became of the meeting: `showed`, `no_show` and `host_absent` were reported, `assumed` is known from the"
        " clock only, and `open` is accepted, and nothing is known of it."
    )
    campaign_id: list[Annotated[int, Field(ge=0, lt=2**63)]] = any_of(
        "Number of a campaign that an attendee is a lead of."
    )
    confirmed: list[Literal["true", "false"]] = any_of(
        "Whether an attendee said that they will come at the meeting's current time."
    )
    email: list[ShortText] = any_of("Email address of any attendee.")
    company_id: list[UUID] = any_of()
    organizer: list[ShortText] = any_of("Email address of the organizer.")
    source: list[ShortText] = any_of(
        "Where the booking came from, such as `newsletter`; `campaign`: from a lead; `unknown`: nobody said."
    )
    from_: Timestamp | None = Field(None, alias="from", description="Meetings that start at or after this time.")
    to: Timestamp | None = Field(None, description="Meetings that start before this time.")
    q: SearchText | None = Field(None, description="Prefixes of words in the title, a person's name or the company.")
    simulated: SimulatedFilter = Field("all", description=SIMULATED)
    sort: Literal["start_time", "-start_time", "created_at", "-created_at", "booked_at", "-booked_at"] = "-start_time"

    def to_filter(self) -> BookingFilter:
        """Return these filters as a `reads` filter."""
        criteria = self.model_dump(
            include={
                "simulated",
                "uid",
                "status",
                "attended",
                "outcome",
                "campaign_id",
                "confirmed",
                "email",
                "company_id",
                "organizer",
                "source",
                "q",
            }
        )
        return BookingFilter(**criteria, starts_from=self.from_, starts_before=self.to)


class SourceDetails(BaseModel):
    """What the booking says about its source: the UTM parameters, the referrer, or the booker's own answer."""

    name: str
    kind: Literal["utm", "referrer", "answer"]
    medium: str | None = None
    campaign: str | None = None
    term: str | None = None
    content: str | None = None
    referrer: str | None = None


class BookingResponse(BookingSummary):
    """A meeting across all its reschedules.

    `calcom_uid` can cancel the meeting at Cal.com: protect it like a key. For a key of scope read it is null, as is a
    place that contains it, and `uids` is empty.
    """

    calcom_uid: str | None
    calcom_booking_id: str | None
    booked_at: datetime
    show_time: datetime | None
    company: CompanySummary | None
    reschedule_count: int
    cancellation_reason: str | None
    meeting_url: str | None
    notes: str | None
    notification_sent_at: datetime | None
    source: str = Field(
        description="Where the booking came from, in lower case; `campaign`: from a lead; `unknown`: nobody said."
    )
    source_details: SourceDetails | None
    created_at: datetime


class AttendeeResponse(BaseModel):
    """An attendee's seat in the booking.

    `confirmed_at`: when the attendee said that they will come at the meeting's current time, with the link in a
    reminder; it says nothing about attendance. `cancelled_at` is set when the seat was cancelled.
    """

    person_id: UUID | None
    email: str | None
    name: str | None
    time_zone: str | None
    phone: str | None
    attended: bool | None
    attendance: Attendance
    confirmed_at: datetime | None
    deal_id: UUID | None = Field(
        description="The deal of the attendee's company: with seats, each company has its own."
    )
    cancelled_at: datetime | None


class DealSummary(BaseModel):
    """A short form of a deal, used inside other resources."""

    id: UUID
    status: DealStatus
    stage: str
    owner_email: str | None
    amount: float | None
    currency: str | None


class BookingUidResponse(BaseModel):
    """A current or former uid of the booking, with the meeting's times under that uid."""

    uid: str | None
    calcom_booking_id: str | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    since: datetime | None = None


class BookingDetailResponse(BookingResponse):
    """A booking with its attendees, deal, deliveries, uids and timeline."""

    outcome: MeetingOutcome | None = Field(description="How the meeting went, as reported by a participant.")
    outcome_notes: str | None
    next_step: str | None
    attendees: list[AttendeeResponse]
    deal: DealSummary | None
    matches: list[MatchResponse] = Field(description="Leads that the attendees were matched to.")
    deliveries: list[DeliveryStatusResponse]
    uids: list[BookingUidResponse] = Field(description="All uids of the booking, oldest first.")
    timeline: list[TimelineEntry]


BOOKING: Example = BOOKING_SUMMARY | {
    "calcom_uid": "bFJeNb2uX8ANpT3JL5EfXw",
    "calcom_booking_id": "91516",
    "booked_at": "2026-03-10T09:15:00Z",
    "show_time": "2026-03-12T15:01:00Z",
    "company": COMPANY,
    "reschedule_count": 0,
    "cancellation_reason": None,
    "meeting_url": "https://app.cal.com/video/bFJeNb2uX8ANpT3JL5EfXw",
    "notes": "Wants to see the reporting.",
    "notification_sent_at": "2026-03-10T09:15:01Z",
    "source": "newsletter",
    "source_details": {"name": "newsletter", "kind": "utm", "medium": "email", "campaign": "spring"},
    "created_at": "2026-03-10T09:15:00Z",
}
_ATTENDEE: Example = {
    "person_id": PERSON["id"],
    "email": PERSON["email"],
    "name": PERSON["name"],
    "time_zone": "America/New_York",
    "phone": None,
    "attended": True,
    "attendance": ATTENDANCE,
    "confirmed_at": "2026-03-11T15:04:00Z",
    "deal_id": DEAL_ID,
    "cancelled_at": None,
}
BOOKING_DETAIL: Example = BOOKING | {
    "outcome": "showed",
    "outcome_notes": "They compare us with two others.",
    "next_step": "Send a proposal by Friday.",
    "attendees": [_ATTENDEE],
    "deal": {
        "id": DEAL_ID,
        "status": "active",
        "stage": "met",
        "owner_email": "dana@ourbrand.example",
        "amount": 12000.0,
        "currency": "USD",
    },
    "matches": [MATCH],
    "deliveries": [DELIVERY_STATUS],
    "uids": [
        {
            "uid": "bFJeNb2uX8ANpT3JL5EfXw",
            "calcom_booking_id": "91516",
            "start_time": "2026-03-12T15:00:00Z",
            "end_time": "2026-03-12T15:30:00Z",
            "since": "2026-03-10T09:15:00Z",
        }
    ],
    "timeline": [TIMELINE_ENTRY],
}


@router.get(
    "",
    name="list_bookings",
    response_model=PageResponse[BookingResponse],
    responses=ok_response(page_example(BOOKING)) | problem_examples("broken-cursor"),
)
async def get_bookings(permission: Reader, tx: ReadTransaction, query: Annotated[BookingQuery, Query()]) -> Any:
    """List bookings, latest meeting first."""
    page_request = query.page_request(SORTS)
    return page_response(await list_bookings(tx, permission, query.to_filter(), page_request), page_request)


@router.get(
    "/{booking_id}",
    response_model=BookingDetailResponse,
    responses=ok_response(BOOKING_DETAIL) | problem_examples("not-found"),
)
async def get_booking(
    booking_id: UUID, permission: Reader, tx: ReadTransaction, state: State, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Get a booking with its attendees, deal, deliveries, uids and timeline.

    The id of a booking that was merged into another one returns the booking that remains.
    """
    return found_or_404(await find_booking(tx, permission, booking_id, state.clock()), "booking")


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
    offer: bool | None = Field(
        None, description="Whether people who did not come are offered another time; null: as the rules say."
    )
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


@commands.post(
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


@commands.post(
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
    report = OutcomeReported(
        subject=booking.name, outcome=body.outcome, notes=body.notes, next_step=body.next_step, offer=body.offer
    )
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
    company = None if deal_target is None else deal_target.seats_of or deal_target.company
    return [report, DealChanged(subject=deal, change=body.deal.to_deal_change(), seats_of=company)]


async def _resolve_destination(
    unit_of_work: UnitOfWork, workspace_id: UUID, body: MoveBookingRequest
) -> tuple[str, str | None]:
    """Return the company's key and, if the body named a deal, the deal's name."""
    permission = unit_of_work.permission.limited_to(workspace_id)
    if body.deal_id is not None:
        deal = target_or_422(await target_of_deal(unit_of_work.tx, permission, body.deal_id), "deal_id", "deal")
        return deal.company, deal_name(deal.name, deal.seats_of)
    assert body.company_id is not None, "the body has deal_id or company_id"
    return target_or_422(
        await target_of_company(unit_of_work.tx, permission, body.company_id), "company_id", "company"
    ).name, None
