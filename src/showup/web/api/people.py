"""`/api/people`: bookers and attendees."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from msgspec.structs import replace
from pydantic import Field

from showup.commands.unit_of_work import UnitOfWork
from showup.companies.company import key_of_domain
from showup.events.workspace import CompanyRecorded, PersonRecorded
from showup.inbox.rules import in_force
from showup.people.person import person_id as person_id_of
from showup.reads.command_targets import target_of_company, target_of_person
from showup.reads.people import SORTS, PersonFilter, find_person, list_people
from showup.reads.simulated import SimulatedFilter
from showup.values.email_address import EmailAddress
from showup.values.time_zone import TimeZone
from showup.web.api.schemas import (
    BOOKING_SUMMARY,
    COMPANY,
    PERSON,
    TIMELINE_ENTRY,
    BookingSummary,
    CompanySummary,
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
from showup.web.http.problems import Refusal, found_or_404, problem_examples
from showup.web.http.query_params import SIMULATED, ListQuery, SearchText, ShortText, WorkspaceQuery, any_of
from showup.web.http.request_fields import Name, Phone, RequestBody
from showup.web.http.unit_of_work import WriteUnitOfWork, lock_workspace, target_or_404, target_or_422

router = APIRouter(prefix="/api/people", tags=["people"], route_class=ApiRoute)
commands = APIRouter(prefix="/api/people", tags=["people"], route_class=CommandRoute)

PERSON_ITEM: Example = PERSON | {
    "workspace": "default",
    "simulated": False,
    "time_zone": "America/New_York",
    "phone": None,
    "company": COMPANY,
    "created_at": "2026-03-10T09:15:00Z",
    "updated_at": "2026-03-10T09:15:00Z",
}
PERSON_DETAIL: Example = PERSON_ITEM | {"bookings": [BOOKING_SUMMARY], "timeline": [TIMELINE_ENTRY]}


class PersonQuery(ListQuery):
    """Filters and paging for people."""

    email: list[ShortText] = any_of()
    company_id: list[UUID] = any_of()
    q: SearchText | None = Field(None, description="Prefixes of words in the name or the email address.")
    simulated: SimulatedFilter = Field("all", description=SIMULATED)
    sort: Literal["created_at", "-created_at", "updated_at", "-updated_at", "email", "-email"] = "-created_at"

    def to_filter(self) -> PersonFilter:
        """Return these filters as a `reads` filter."""
        return PersonFilter(**self.model_dump(include={"simulated", "email", "company_id", "q"}))


class PersonResponse(PersonSummary):
    """One email address in one workspace; `company` is null for a personal domain."""

    workspace: str
    simulated: bool
    time_zone: str | None
    phone: str | None
    company: CompanySummary | None
    created_at: datetime
    updated_at: datetime


class PersonDetailResponse(PersonResponse):
    """A person with their bookings and timeline."""

    bookings: list[BookingSummary]
    timeline: list[TimelineEntry]


@router.get(
    "",
    name="list_people",
    response_model=PageResponse[PersonResponse],
    responses=ok_response(page_example(PERSON_ITEM)) | problem_examples("broken-cursor"),
)
async def get_people(permission: Reader, tx: ReadTransaction, query: Annotated[PersonQuery, Query()]) -> Any:
    """List people, newest first."""
    page_request = query.page_request(SORTS)
    return page_response(await list_people(tx, permission, query.to_filter(), page_request), page_request)


@router.get(
    "/{person_id}",
    response_model=PersonDetailResponse,
    responses=ok_response(PERSON_DETAIL) | problem_examples("not-found"),
)
async def get_person(
    person_id: UUID, permission: Reader, tx: ReadTransaction, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Get a person with their bookings and timeline.

    The id of a person who was merged into another one returns the person who remains.
    """
    return found_or_404(await find_person(tx, permission, person_id), "person")


_FIELDS: Final = {"name": "Sarah Chen", "time_zone": "America/New_York", "company_id": COMPANY["id"]}


class PersonFields(RequestBody):
    """Fields of a person; omitted fields keep their values."""

    name: Name | None = None
    time_zone: TimeZone | None = None
    phone: Phone | None = None
    company_id: UUID | None = Field(
        None,
        description="The person's company, from now on: later bookings belong to it, whatever the address says. Earlier"
        " bookings keep their company, but those of a person without one get the first that somebody names.",
    )


class UpdatePersonRequest(PersonFields):
    """Fields of a person to update; omitted fields keep their values."""

    requires_any = True
    example = _FIELDS

    rejected_fields: ClassVar = {
        "email": "The email address identifies the person and can't be changed. Create the correct person with"
        " POST /api/people, then merge the two with POST /api/people/merge."
    }


class CreatePersonRequest(PersonFields):
    """A new person, identified by their email address."""

    example: ClassVar = _FIELDS | {"email": PERSON["email"]}

    email: EmailAddress


@commands.post(
    "",
    status_code=201,
    response_model=PersonDetailResponse,
    responses=created_response(PERSON_DETAIL | {"bookings": []}) | problem_examples("exists-already"),
)
async def create_person(
    body: CreatePersonRequest, unit_of_work: WriteUnitOfWork, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Create a person. Without `company_id`, a business address sets the company, as a booking would."""
    workspace = await lock_workspace(unit_of_work)
    existing = await target_of_person(unit_of_work.tx, unit_of_work.permission, person_id_of(workspace.id, body.email))
    if existing is not None:
        raise Refusal(
            "exists-already",
            f"A person with this address already exists. Update them with PATCH /api/people/{existing.id}.",
        )
    event = await _event(unit_of_work, workspace.id, body.email, body)
    company = None if body.company_id is not None else await _company_of_address(unit_of_work, workspace.id, body.email)
    if company is None:
        await unit_of_work.execute(workspace.id, event)
    else:
        await unit_of_work.execute(workspace.id, CompanyRecorded(company=company), replace(event, company=company))
    return found_or_404(
        await find_person(unit_of_work.tx, unit_of_work.permission, person_id_of(workspace.id, body.email)), "person"
    )


@commands.patch(
    "/{person_id}",
    response_model=PersonDetailResponse,
    responses=ok_response(PERSON_DETAIL) | problem_examples("not-found", "refused-by-rules"),
)
async def update_person(
    person_id: UUID,
    body: UpdatePersonRequest,
    unit_of_work: WriteUnitOfWork,
    _query: Annotated[WorkspaceQuery, Query()],
) -> Any:
    """Update a person. Later bookings do not overwrite these values."""
    person = target_or_404(await target_of_person(unit_of_work.tx, unit_of_work.permission, person_id), "person")
    await unit_of_work.execute(person.workspace_id, await _event(unit_of_work, person.workspace_id, person.name, body))
    return found_or_404(await find_person(unit_of_work.tx, unit_of_work.permission, person.id), "person")


async def _company_of_address(unit_of_work: UnitOfWork, workspace_id: UUID, email: str) -> str | None:
    """Return the key of the company that the address belongs to; None for a personal address or the team's."""
    rules = (await in_force(await unit_of_work.connection(), workspace_id)).newest
    domain = None if rules.is_team(email) else rules.company_domain(email)
    return None if domain is None else key_of_domain(domain)


async def _event(unit_of_work: UnitOfWork, workspace_id: UUID, email: str, body: PersonFields) -> PersonRecorded:
    company = None
    if body.company_id is not None:
        permission = unit_of_work.permission.limited_to(workspace_id)
        company = target_or_422(
            await target_of_company(unit_of_work.tx, permission, body.company_id), "company_id", "company"
        ).name
    return PersonRecorded(
        email=email,
        name=body.name,
        time_zone=body.time_zone,
        phone=body.phone,
        company=company,
    )
