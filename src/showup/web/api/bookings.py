"""`/api/bookings`: meetings, their invited attendees and their attendance."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from showup.bookings.booking import MeetingOutcome
from showup.reads.booking import find_booking
from showup.reads.bookings import SORTS, BookingFilter, list_bookings
from showup.web.api.deliveries import DELIVERY_STATUS, DeliveryStatusResponse
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
from showup.web.app_state import ReadTransaction, State
from showup.web.auth import Reader
from showup.web.paging import page_response
from showup.web.problems import found_or_404, problem_examples
from showup.web.query_params import ListQuery, SearchText, ShortText, Timestamp, WorkspaceQuery

router = APIRouter(prefix="/api/bookings", tags=["bookings"])


class BookingQuery(ListQuery):
    """Filters and paging for bookings."""

    uid: ShortText | None = Field(None, description="Any Cal.com uid that the booking has or had.")
    status: BookingStatus | None = None
    attended: Literal["true", "false", "null"] | None = Field(None, description="`null`: attendance not reported.")
    email: ShortText | None = Field(None, description="Email address of any attendee.")
    company_id: UUID | None = None
    organizer: ShortText | None = Field(None, description="Email address of the organizer.")
    from_: Timestamp | None = Field(None, alias="from", description="Meetings that start at or after this time.")
    to: Timestamp | None = Field(None, description="Meetings that start before this time.")
    q: SearchText | None = Field(None, description="Prefixes of words in the title, a person's name or the company.")
    sort: Literal["start_time", "-start_time", "created_at", "-created_at", "booked_at", "-booked_at"] = "-start_time"

    def to_filter(self) -> BookingFilter:
        """Return these filters as a `reads` filter."""
        criteria = self.model_dump(include={"uid", "status", "attended", "email", "company_id", "organizer", "q"})
        return BookingFilter(**criteria, starts_from=self.from_, starts_before=self.to)


class BookingResponse(BookingSummary):
    """A meeting across all its reschedules.

    `calcom_uid` can cancel the meeting at Cal.com: protect it like a key.
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
    created_at: datetime


class AttendeeResponse(BaseModel):
    """An attendee's seat in the booking; `cancelled_at` is set when the seat was cancelled."""

    person_id: UUID | None
    email: str | None
    name: str | None
    time_zone: str | None
    phone: str | None
    attended: bool | None
    attendance: Attendance
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
    matches: list[dict[str, Any]] = Field(description="Leads that the attendees were matched to.")
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
    "matches": [],
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
