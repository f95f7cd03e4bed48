"""`/api/deals`: sales opportunities and their stage history."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from showup.deals.deal import DealChange, deal_id
from showup.events.deal import DealChanged, DealOpened
from showup.pipeline.rules import Stage
from showup.reads.command_targets import target_of_company, target_of_deal
from showup.reads.deals import SORTS, DealFilter, find_deal, list_deals
from showup.reads.simulated import SimulatedFilter
from showup.values.email_address import EmailAddress
from showup.web.api.schemas import (
    BOOKING_SUMMARY,
    COMPANY,
    DEAL_ID,
    PERSON,
    TIMELINE_ENTRY,
    BookingSummary,
    CompanySummary,
    DealStatus,
    Example,
    PageResponse,
    PersonSummary,
    TimelineEntry,
    created_response,
    ok_response,
    page_example,
)
from showup.web.http.api_route import ApiRoute
from showup.web.http.app_state import ReadTransaction
from showup.web.http.auth import Reader
from showup.web.http.command_route import CommandRoute
from showup.web.http.paging import page_response
from showup.web.http.problems import found_or_404, problem_examples
from showup.web.http.query_params import SIMULATED, ListQuery, SearchText, ShortText, Timestamp, WorkspaceQuery, any_of
from showup.web.http.request_fields import Amount, Currency, Reason, RequestBody
from showup.web.http.unit_of_work import WriteUnitOfWork, target_or_404, target_or_422

router = APIRouter(prefix="/api/deals", tags=["deals"], route_class=ApiRoute)
commands = APIRouter(prefix="/api/deals", tags=["deals"], route_class=CommandRoute)

DEAL: Example = {
    "id": DEAL_ID,
    "workspace": "default",
    "simulated": False,
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
    "bookings": [BOOKING_SUMMARY],
    "stage_history": [TIMELINE_ENTRY | {"status": [None, "active"], "stage": [None, "booked"]}],
    "timeline": [TIMELINE_ENTRY],
}


class DealQuery(ListQuery):
    """Filters and paging for deals."""

    status: list[DealStatus] = any_of()
    stage: list[ShortText] = any_of("For example `booked`, `met` or `proposal`.")
    company_id: list[UUID] = any_of()
    owner: list[ShortText] = any_of("Email address of the owner.")
    created_from: Timestamp | None = Field(None, description="Deals created at or after this time.")
    created_to: Timestamp | None = Field(None, description="Deals created before this time.")
    q: SearchText | None = Field(None, description="Prefixes of words in the company's name or domain.")
    simulated: SimulatedFilter = Field("all", description=SIMULATED)
    sort: Literal[
        "created_at",
        "-created_at",
        "updated_at",
        "-updated_at",
        "stage_entered_at",
        "-stage_entered_at",
        "amount",
        "-amount",
    ] = Field("-created_at", description="`amount` compares numbers, whatever the currency; no amount counts as least.")

    def to_filter(self) -> DealFilter:
        """Return these filters as a `reads` filter."""
        criteria = self.model_dump(include={"simulated", "status", "stage", "company_id", "owner", "created_from", "q"})
        return DealFilter(**criteria, created_before=self.created_to)


class DealResponse(BaseModel):
    """A sales opportunity of a company. A company has at most one active deal."""

    id: UUID
    workspace: str
    simulated: bool
    company: CompanySummary
    status: DealStatus
    stage: str
    owner_email: str | None
    amount: float | None
    currency: str | None
    created_at: datetime
    updated_at: datetime
    stage_entered_at: datetime


class DealContact(PersonSummary):
    """A person who had a seat in a booking of the deal."""

    time_zone: str | None
    phone: str | None


class StageHistoryEntry(TimelineEntry):
    """One change of the deal: `[before, after]` of its status and stage, null for each that did not change."""

    status: tuple[DealStatus | None, DealStatus | None] | None
    stage: tuple[str | None, str | None] | None


class DealDetailResponse(DealResponse):
    """A deal with its contacts, bookings and timeline."""

    lost_reason: str | None
    opened_at: datetime
    closed_at: datetime | None
    contacts: list[DealContact]
    bookings: list[BookingSummary]
    stage_history: list[StageHistoryEntry]
    timeline: list[TimelineEntry] = Field(description="Changes of the deal and of its bookings.")


@router.get(
    "",
    name="list_deals",
    response_model=PageResponse[DealResponse],
    responses=ok_response(page_example(DEAL)) | problem_examples("broken-cursor"),
)
async def get_deals(permission: Reader, tx: ReadTransaction, query: Annotated[DealQuery, Query()]) -> Any:
    """List deals, newest first."""
    page_request = query.page_request(SORTS)
    return page_response(await list_deals(tx, permission, query.to_filter(), page_request), page_request)


@router.get(
    "/{deal_id}", response_model=DealDetailResponse, responses=ok_response(DEAL_DETAIL) | problem_examples("not-found")
)
async def get_deal(
    deal_id: UUID, permission: Reader, tx: ReadTransaction, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Get a deal with its contacts, bookings, stage history and timeline.

    If late events showed that this deal is the same as another one, its id returns that deal.
    """
    return found_or_404(await find_deal(tx, permission, deal_id), "deal")


_CHANGE: Final = {"stage": "proposal", "amount": 12000.0, "currency": "USD"}


class DealFields(RequestBody):
    """Fields of a deal; omitted fields keep their values."""

    stage: Stage | None = None
    status: DealStatus | None = None
    amount: Amount | None = None
    currency: Currency | None = None
    owner_email: EmailAddress | None = None
    lost_reason: Reason | None = None

    def to_deal_change(self) -> DealChange:
        """Return these fields as a pipeline change."""
        return DealChange(**{name: getattr(self, name) for name in DealFields.model_fields})


class UpdateDealRequest(DealFields):
    """Fields of a deal to update; omitted fields keep their values."""

    requires_any = True
    example = _CHANGE


class CreateDealRequest(DealFields):
    """A new deal without a booking; active and in the first stage by default."""

    example: ClassVar = _CHANGE | {"company_id": COMPANY["id"]}

    company_id: UUID


@commands.post(
    "",
    status_code=201,
    response_model=DealDetailResponse,
    responses=created_response(DEAL_DETAIL | {"contacts": [], "bookings": []}) | problem_examples("refused-by-rules"),
)
async def create_deal(
    body: CreateDealRequest, unit_of_work: WriteUnitOfWork, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Create a deal without a booking, for a company that has no active deal."""
    company = target_or_422(
        await target_of_company(unit_of_work.tx, unit_of_work.permission, body.company_id), "company_id", "company"
    )
    event = DealOpened(company=company.name, change=body.to_deal_change())
    (event_id,) = await unit_of_work.execute(company.workspace_id, event)
    return found_or_404(await find_deal(unit_of_work.tx, unit_of_work.permission, deal_id(event_id)), "deal")


@commands.patch(
    "/{deal_id}",
    response_model=DealDetailResponse,
    responses=ok_response(DEAL_DETAIL) | problem_examples("not-found", "refused-by-rules"),
)
async def update_deal(
    deal_id: UUID, body: UpdateDealRequest, unit_of_work: WriteUnitOfWork, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Move a deal to another stage, win, lose or reopen it, or correct its amount or owner.

    Only an active deal can change its stage. A lost deal needs a reason, and an amount needs a currency. A closed deal
    can be reopened only while its company has no other active deal.
    """
    deal = target_or_404(await target_of_deal(unit_of_work.tx, unit_of_work.permission, deal_id), "deal")
    changed = DealChanged(subject=deal.name, change=body.to_deal_change(), seats_of=deal.seats_of or deal.company)
    await unit_of_work.execute(deal.workspace_id, changed)
    return found_or_404(await find_deal(unit_of_work.tx, unit_of_work.permission, deal.id), "deal")
