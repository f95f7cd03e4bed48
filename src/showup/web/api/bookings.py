"""`/api/bookings`: meetings, who was to come, and who did."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from showup.bookings.booking import MeetingOutcome
from showup.reads.booking import find_booking
from showup.reads.bookings import SORTS, BookingFilter, list_bookings
from showup.web.api.deliveries import EXPLAINED, ExplainedDelivery
from showup.web.api.shapes import (
    ATTENDANCE,
    COMPANY,
    DEAL_ID,
    LINE,
    MEETING,
    PERSON,
    Attendance,
    BookingStatus,
    CompanyName,
    DealStatus,
    Example,
    MeetingBrief,
    Page,
    TimelineLine,
    page_of,
    shows,
)
from showup.web.auth import Reader
from showup.web.ground import OnGround, Reading
from showup.web.paging import shown
from showup.web.problems import documented, found_or_refused
from showup.web.questions import ListQuestion, Moment, Question, Search, Word

router = APIRouter(prefix="/api/bookings", tags=["bookings"])


class BookingQuestion(ListQuestion):
    """Which bookings."""

    uid: Word | None = Field(None, description="Any Cal.com uid that the booking ever had.")
    status: BookingStatus | None = None
    attended: Literal["true", "false", "null"] | None = Field(None, description="`null`: nobody has said yet.")
    email: Word | None = Field(None, description="Email address of any attendee.")
    company_id: UUID | None = None
    organizer: Word | None = Field(None, description="The organizer's email address.")
    from_: Moment | None = Field(None, alias="from", description="Meetings that start then or later.")
    to: Moment | None = Field(None, description="Meetings that start before then.")
    q: Search | None = Field(None, description="Words that begin words of the title, a person or the company.")
    sort: Literal["start_time", "-start_time", "created_at", "-created_at", "booked_at", "-booked_at"] = "-start_time"

    def wanted(self) -> BookingFilter:
        """The same in the words of `reads`."""
        same = self.model_dump(include={"uid", "status", "attended", "email", "company_id", "organizer", "q"})
        return BookingFilter(**same, starts_from=self.from_, starts_before=self.to)


class Booking(MeetingBrief):
    """A meeting, through all its reschedules. `calcom_uid` can cancel it at Cal.com: treat it like a key."""

    calcom_uid: str | None
    calcom_booking_id: str | None
    booked_at: datetime
    show_time: datetime | None
    company: CompanyName | None
    reschedule_count: int
    cancellation_reason: str | None
    meeting_url: str | None
    notes: str | None
    notification_sent_at: datetime | None
    created_at: datetime


class Attendee(BaseModel):
    """A seat in the booking; one with `cancelled_at` was given back."""

    person_id: UUID | None
    email: str | None
    name: str | None
    time_zone: str | None
    phone: str | None
    attended: bool | None
    attendance: Attendance
    cancelled_at: datetime | None


class DealBrief(BaseModel):
    """A deal where it is mentioned."""

    id: UUID
    status: DealStatus
    stage: str
    owner_email: str | None
    amount: float | None
    currency: str | None


class UidHeld(BaseModel):
    """A uid that the booking has or had, and the times it had then."""

    uid: str | None
    calcom_booking_id: str | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    since: datetime | None = None


class BookingDetail(Booking):
    """A booking with everything that belongs to it."""

    outcome: MeetingOutcome | None = Field(description="How the meeting went, as somebody who was there reported it.")
    outcome_notes: str | None
    next_step: str | None
    attendees: list[Attendee]
    deal: DealBrief | None
    matches: list[dict[str, Any]] = Field(description="Leads that attendees were matched to.")
    deliveries: list[ExplainedDelivery]
    uids: list[UidHeld] = Field(description="Every uid the booking ever had, oldest first.")
    timeline: list[TimelineLine]


BOOKING: Example = MEETING | {
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
    "deliveries": [EXPLAINED],
    "uids": [
        {
            "uid": "bFJeNb2uX8ANpT3JL5EfXw",
            "calcom_booking_id": "91516",
            "start_time": "2026-03-12T15:00:00Z",
            "end_time": "2026-03-12T15:30:00Z",
            "since": "2026-03-10T09:15:00Z",
        }
    ],
    "timeline": [LINE],
}


@router.get(
    "",
    response_model=Page[Booking],
    responses=shows(page_of(BOOKING)) | documented("broken-cursor"),
)
async def bookings(permit: Reader, tx: Reading, asked: Annotated[BookingQuestion, Query()]) -> Any:
    """List bookings, the latest meeting first."""
    ask = asked.ask(SORTS)
    return shown(await list_bookings(tx, permit, asked.wanted(), ask), ask)


@router.get(
    "/{booking_id}",
    response_model=BookingDetail,
    responses=shows(BOOKING_DETAIL) | documented("not-found"),
)
async def booking(
    booking_id: UUID, permit: Reader, tx: Reading, ground: OnGround, _asked: Annotated[Question, Query()]
) -> Any:
    """One booking with its attendees, deal, deliveries, uids and timeline.

    The id of a booking that was merged into another one answers with the one that stayed.
    """
    return found_or_refused(await find_booking(tx, permit, booking_id, ground.clock()), "booking")
