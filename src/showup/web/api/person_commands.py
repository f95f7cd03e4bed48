"""Commands on people: create and update them manually."""

from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Query

from showup.commands.unit_of_work import UnitOfWork
from showup.events.workspace import PersonRecorded
from showup.people.person import person_id as person_id_of
from showup.reads.command_targets import target_of_company, target_of_person
from showup.reads.people import find_person
from showup.web.api.people import PERSON_DETAIL, PersonDetailResponse
from showup.web.api.schemas import COMPANY, PERSON, created_response, ok_response
from showup.web.command_route import CommandRoute
from showup.web.problems import Refusal, found_or_404, problem_examples
from showup.web.query_params import WorkspaceQuery
from showup.web.request_fields import Email, Name, Phone, RequestBody, TimeZone
from showup.web.unit_of_work import WriteUnitOfWork, lock_workspace, target_or_404, target_or_422

router = APIRouter(prefix="/api/people", tags=["people"], route_class=CommandRoute)

_FIELDS: Final = {"name": "Sarah Chen", "time_zone": "America/New_York", "company_id": COMPANY["id"]}


class PersonFields(RequestBody):
    """Fields of a person; omitted fields keep their values."""

    name: Name | None = None
    time_zone: TimeZone | None = None
    phone: Phone | None = None
    company_id: UUID | None = None


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

    email: Email


@router.post(
    "",
    status_code=201,
    response_model=PersonDetailResponse,
    responses=created_response(PERSON_DETAIL | {"bookings": []}) | problem_examples("exists-already"),
)
async def create_person(
    body: CreatePersonRequest, unit_of_work: WriteUnitOfWork, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Create a person."""
    workspace = await lock_workspace(unit_of_work)
    existing = await target_of_person(unit_of_work.tx, unit_of_work.permission, person_id_of(workspace.id, body.email))
    if existing is not None:
        raise Refusal(
            "exists-already",
            f"A person with this address already exists. Update them with PATCH /api/people/{existing.id}.",
        )
    await unit_of_work.execute(workspace.id, await _event(unit_of_work, workspace.id, body.email, body))
    return found_or_404(
        await find_person(unit_of_work.tx, unit_of_work.permission, person_id_of(workspace.id, body.email)), "person"
    )


@router.patch(
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
