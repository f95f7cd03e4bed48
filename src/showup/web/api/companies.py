"""`/api/companies`: the organizations that people work for."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from showup.reads.companies import SORTS, CompanyFilter, find_company, list_companies
from showup.web.api.deals import DEAL, DealResponse
from showup.web.api.people import PERSON_ITEM, PersonResponse
from showup.web.api.schemas import (
    BOOKING_SUMMARY,
    COMPANY,
    TIMELINE_ENTRY,
    BookingSummary,
    CompanySummary,
    Example,
    PageResponse,
    TimelineEntry,
    ok_response,
    page_example,
)
from showup.web.app_state import ReadTransaction
from showup.web.auth import Reader
from showup.web.paging import page_response
from showup.web.problems import found_or_404, problem_examples
from showup.web.query_params import ListQuery, SearchText, ShortText, WorkspaceQuery

router = APIRouter(prefix="/api/companies", tags=["companies"])

_COMPANY_ITEM: Example = COMPANY | {
    "created_at": "2026-03-10T09:15:00Z",
    "updated_at": "2026-03-10T09:15:00Z",
}
COMPANY_DETAIL: Example = _COMPANY_ITEM | {
    "people": [PERSON_ITEM],
    "deals": [DEAL],
    "bookings": [BOOKING_SUMMARY],
    "timeline": [TIMELINE_ENTRY],
}


class CompanyQuery(ListQuery):
    """Filters and paging for companies."""

    domain: ShortText | None = Field(None, description="The registrable domain, such as `acme.com`.")
    q: SearchText | None = Field(None, description="Prefixes of words in the name or the domain.")
    sort: Literal["created_at", "-created_at", "updated_at", "-updated_at", "name", "-name"] = "-created_at"

    def to_filter(self) -> CompanyFilter:
        """Return these filters as a `reads` filter."""
        return CompanyFilter(domain=self.domain, q=self.q)


class CompanyResponse(CompanySummary):
    """An organization, identified by its registrable domain.

    A company that was created manually may have no domain.
    """

    created_at: datetime
    updated_at: datetime


class CompanyDetailResponse(CompanyResponse):
    """A company with its people, deals, bookings and timeline."""

    people: list[PersonResponse]
    deals: list[DealResponse]
    bookings: list[BookingSummary]
    timeline: list[TimelineEntry]


@router.get(
    "",
    response_model=PageResponse[CompanyResponse],
    responses=ok_response(page_example(_COMPANY_ITEM)) | problem_examples("broken-cursor"),
)
async def get_companies(permission: Reader, tx: ReadTransaction, query: Annotated[CompanyQuery, Query()]) -> Any:
    """List companies, newest first."""
    page_request = query.page_request(SORTS)
    return page_response(await list_companies(tx, permission, query.to_filter(), page_request), page_request)


@router.get(
    "/{company_id}",
    response_model=CompanyDetailResponse,
    responses=ok_response(COMPANY_DETAIL) | problem_examples("not-found"),
)
async def get_company(
    company_id: UUID, permission: Reader, tx: ReadTransaction, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Get a company with its people, deals, bookings and timeline.

    The id of a company that was merged into another one returns the company that remains.
    """
    return found_or_404(await find_company(tx, permission, company_id), "company")
