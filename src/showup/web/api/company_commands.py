"""Commands on companies: create and update them manually."""

from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Query

from showup.companies.company import company_id as company_id_of
from showup.companies.company import key_of_domain, key_of_event
from showup.events.workspace import CompanyRecorded
from showup.reads.command_targets import target_of_company
from showup.reads.companies import find_company
from showup.web.api.companies import COMPANY_DETAIL, CompanyDetailResponse
from showup.web.api.schemas import COMPANY, created_response, ok_response
from showup.web.command_route import CommandRoute
from showup.web.problems import Refusal, found_or_404, problem_examples
from showup.web.query_params import WorkspaceQuery
from showup.web.request_fields import Domain, Name, RequestBody
from showup.web.unit_of_work import WriteUnitOfWork, lock_workspace, target_or_404

router = APIRouter(prefix="/api/companies", tags=["companies"], route_class=CommandRoute)

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
    domain: Domain | None = None


@router.post(
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


@router.patch(
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
