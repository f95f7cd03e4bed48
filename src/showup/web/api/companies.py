"""`/api/companies`: the organizations that people work for."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from showup.companies.company import company_id as company_id_of
from showup.companies.company import key_of_domain, key_of_event
from showup.events.workspace import CompanyRecorded
from showup.reads.command_targets import target_of_company
from showup.reads.companies import SORTS, CompanyFilter, find_company, list_companies
from showup.reads.simulated import SimulatedFilter
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
    created_response,
    ok_response,
    page_example,
)
from showup.web.http.api_route import ApiRoute
from showup.web.http.app_state import ReadTransaction
from showup.web.http.auth import Reader
from showup.web.http.command_route import CommandRoute
from showup.web.http.paging import page_response
from showup.web.http.problems import Refusal, found_or_404, problem_examples
from showup.web.http.query_params import SIMULATED, ListQuery, SearchText, ShortText, WorkspaceQuery, any_of
from showup.web.http.request_fields import CompanyDomain, Name, RequestBody
from showup.web.http.unit_of_work import WriteUnitOfWork, lock_workspace, target_or_404

router = APIRouter(prefix="/api/companies", tags=["companies"], route_class=ApiRoute)
commands = APIRouter(prefix="/api/companies", tags=["companies"], route_class=CommandRoute)

_COMPANY_ITEM: Example = COMPANY | {
    "workspace": "default",
    "simulated": False,
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

    domain: list[ShortText] = any_of("The registrable domain, such as `acme.com`.")
    q: SearchText | None = Field(None, description="Prefixes of words in the name or the domain.")
    simulated: SimulatedFilter = Field("all", description=SIMULATED)
    sort: Literal["created_at", "-created_at", "updated_at", "-updated_at", "name", "-name"] = "-created_at"

    def to_filter(self) -> CompanyFilter:
        """Return these filters as a `reads` filter."""
        return CompanyFilter(domain=self.domain, q=self.q, simulated=self.simulated)


class CompanyResponse(CompanySummary):
    """An organization, identified by its registrable domain.

    A company that was created manually may have no domain.
    """

    workspace: str
    simulated: bool
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
    name="list_companies",
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


_NEW: Final = {"name": COMPANY["name"], "domain": COMPANY["domain"]}


class UpdateCompanyRequest(RequestBody):
    """Fields of a company to update."""

    example: ClassVar = {"name": COMPANY["name"]}

    rejected_fields: ClassVar = {
        "domain": "The domain identifies the company and can't be changed. Create the correct company with"
        " POST /api/companies, then merge the two with POST /api/companies/merge."
    }

    name: Name


class CreateCompanyRequest(RequestBody):
    """A new company, identified by its domain; a company without a domain needs a name."""

    requires_any = True
    example = _NEW

    name: Name | None = None
    domain: CompanyDomain | None = None


@commands.post(
    "",
    status_code=201,
    response_model=CompanyDetailResponse,
    responses=created_response(COMPANY_DETAIL | {"people": [], "deals": [], "bookings": []})
    | problem_examples("exists-already"),
)
async def create_company(
    body: CreateCompanyRequest, unit_of_work: WriteUnitOfWork, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Create a company."""
    workspace = await lock_workspace(unit_of_work)
    key = None if body.domain is None else key_of_domain(body.domain)
    existing = (
        None
        if key is None
        else await target_of_company(unit_of_work.tx, unit_of_work.permission, company_id_of(workspace.id, key))
    )
    if existing is not None:
        detail = f"A company with this domain already exists. Update it with PATCH /api/companies/{existing.id}."
        raise Refusal("exists-already", detail)
    (event_id,) = await unit_of_work.execute(workspace.id, CompanyRecorded(company=key, name=body.name))
    created_id = company_id_of(workspace.id, key or key_of_event(event_id))
    return found_or_404(await find_company(unit_of_work.tx, unit_of_work.permission, created_id), "company")


@commands.patch(
    "/{company_id}",
    response_model=CompanyDetailResponse,
    responses=ok_response(COMPANY_DETAIL) | problem_examples("not-found", "refused-by-rules"),
)
async def update_company(
    company_id: UUID,
    body: UpdateCompanyRequest,
    unit_of_work: WriteUnitOfWork,
    _query: Annotated[WorkspaceQuery, Query()],
) -> Any:
    """Update the name of a company. Later bookings do not overwrite it."""
    company = target_or_404(await target_of_company(unit_of_work.tx, unit_of_work.permission, company_id), "company")
    await unit_of_work.execute(company.workspace_id, CompanyRecorded(company=company.name, name=body.name))
    return found_or_404(await find_company(unit_of_work.tx, unit_of_work.permission, company.id), "company")
