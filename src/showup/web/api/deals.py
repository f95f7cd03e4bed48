"""`/api/deals`: sales opportunities, and how each one came to where it stands."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from showup.reads.deals import SORTS, DealFilter, find_deal, list_deals
from showup.web.api.shapes import (
    COMPANY,
    DEAL_ID,
    LINE,
    MEETING,
    PERSON,
    CompanyName,
    DealStatus,
    Example,
    MeetingBrief,
    Page,
    PersonName,
    TimelineLine,
    page_of,
    shows,
)
from showup.web.auth import Reader
from showup.web.ground import Reading
from showup.web.paging import shown
from showup.web.problems import documented, found_or_refused
from showup.web.questions import ListQuestion, Moment, Question, Search, Word

router = APIRouter(prefix="/api/deals", tags=["deals"])

DEAL: Example = {
    "id": DEAL_ID,
    "company": COMPANY,
    "status": "active",
    "stage": "met",
    "owner_email": "dana@ourbrand.example",
    "amount": 12000.0,
    "currency": "USD",
    "created_at": "2026-03-10T09:15:00Z",
    "updated_at": "2026-03-12T15:30:00Z",
    "stage_entered_at": "2026-03-12T15:30:00Z",
}
DEAL_DETAIL: Example = DEAL | {
    "lost_reason": None,
    "opened_at": "2026-03-10T09:15:00Z",
    "closed_at": None,
    "contacts": [PERSON | {"time_zone": "America/New_York", "phone": None}],
    "bookings": [MEETING],
    "stage_history": [LINE | {"status": [None, "active"], "stage": [None, "booked"]}],
    "timeline": [LINE],
}


class DealQuestion(ListQuestion):
    """Which deals."""

    status: DealStatus | None = None
    stage: Word | None = Field(None, description="Such as `booked`, `met` or `proposal`.")
    company_id: UUID | None = None
    owner: Word | None = Field(None, description="The owner's email address.")
    created_from: Moment | None = Field(None, description="Deals made then or later.")
    created_to: Moment | None = Field(None, description="Deals made before then.")
    q: Search | None = Field(None, description="Words that begin words of the company's name or domain.")
    sort: Literal["created_at", "-created_at", "updated_at", "-updated_at", "stage_entered_at", "-stage_entered_at"] = (
        "-created_at"
    )

    def wanted(self) -> DealFilter:
        """The same in the words of `reads`."""
        same = self.model_dump(include={"status", "stage", "company_id", "owner", "created_from", "q"})
        return DealFilter(**same, created_before=self.created_to)


class Deal(BaseModel):
    """A sales opportunity of a company, which has at most one active."""

    id: UUID
    company: CompanyName
    status: DealStatus
    stage: str
    owner_email: str | None
    amount: float | None
    currency: str | None
    created_at: datetime
    updated_at: datetime
    stage_entered_at: datetime


class DealPerson(PersonName):
    """Somebody who had a seat in a booking of the deal."""

    time_zone: str | None
    phone: str | None


class DealTurn(TimelineLine):
    """One turn of the deal: `[before, after]` of its status and stage, null where they stayed."""

    status: tuple[DealStatus | None, DealStatus | None] | None
    stage: tuple[str | None, str | None] | None


class DealDetail(Deal):
    """A deal with its people, bookings and story."""

    lost_reason: str | None
    opened_at: datetime
    closed_at: datetime | None
    contacts: list[DealPerson]
    bookings: list[MeetingBrief]
    stage_history: list[DealTurn]
    timeline: list[TimelineLine] = Field(description="What happened to the deal and to its bookings.")


@router.get("", response_model=Page[Deal], responses=shows(page_of(DEAL)) | documented("broken-cursor"))
async def deals(permit: Reader, tx: Reading, asked: Annotated[DealQuestion, Query()]) -> Any:
    """List deals, the newest first."""
    ask = asked.ask(SORTS)
    return shown(await list_deals(tx, permit, asked.wanted(), ask), ask)


@router.get("/{deal_id}", response_model=DealDetail, responses=shows(DEAL_DETAIL) | documented("not-found"))
async def deal(deal_id: UUID, permit: Reader, tx: Reading, _asked: Annotated[Question, Query()]) -> Any:
    """One deal with its contacts, bookings, stage history and timeline.

    The id of a deal that late news showed to be another one answers with that one.
    """
    return found_or_refused(await find_deal(tx, permit, deal_id), "deal")
