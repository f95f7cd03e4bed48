"""`/api/people/{person_id}/export` and `/erase`: what Showup has about one person, and its erasure (RU5)."""

from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from showup.access.permission import Permission
from showup.database.engine import driver_connection
from showup.privacy import actions_store
from showup.privacy.export import MAX_ROWS, export_person
from showup.privacy.person_scope import NotErasable, PersonUnknown
from showup.privacy.requests import request_erasure
from showup.reads.command_targets import CommandTarget, target_of_person
from showup.values.email_address import EmailAddress
from showup.web.api.schemas import BOOKING_SUMMARY, EVENT_ID, PERSON, Example, created_response, ok_response
from showup.web.http.api_route import ApiRoute
from showup.web.http.app_state import AppState, State, write_transaction
from showup.web.http.auth import Admin
from showup.web.http.command_route import CommandRoute
from showup.web.http.problems import Refusal, invalid_field, problem_examples
from showup.web.http.query_params import WorkspaceQuery
from showup.web.http.request_fields import RequestBody
from showup.web.http.unit_of_work import AdminUnitOfWork, target_or_404

router = APIRouter(prefix="/api/people", tags=["people"], route_class=ApiRoute)
commands = APIRouter(prefix="/api/people", tags=["people"], route_class=CommandRoute)

EXPORT: Example = {
    "email": PERSON["email"],
    "addresses": [PERSON["email"]],
    "exported_at": "2026-03-12T16:00:00Z",
    "events": [
        {
            "id": EVENT_ID,
            "received_at": "2026-03-10T09:15:00Z",
            "source": "calcom",
            "origin": "webhook",
            "trigger": "BOOKING_CREATED",
            "body": {"triggerEvent": "BOOKING_CREATED"},
        }
    ],
    "tables": {"bookings": [{"id": BOOKING_SUMMARY["id"]}]},
    "omitted": [],
}
ERASURE: Example = {"id": EVENT_ID, "requested_at": "2026-03-12T16:00:00Z", "because": None}


class ExportedEvent(BaseModel):
    """An event that names the person, with its body: JSON, or text if it is none."""

    id: UUID
    received_at: datetime
    source: str
    origin: str
    trigger: str | None
    body: Any


class ExportResponse(BaseModel):
    """Everything about a person: their addresses, the events that name them, and their rows by table."""

    email: str
    addresses: list[str] = Field(description="All addresses that are known to be theirs.")
    exported_at: datetime
    events: list[ExportedEvent]
    tables: dict[str, list[dict[str, Any]]]
    omitted: list[str] = Field(description=f"Tables of which only the first {MAX_ROWS:,} rows are here.")


class ErasureResponse(BaseModel):
    """An erasure that the worker does within a minute or so. `because`: why it could not be done."""

    id: UUID
    requested_at: datetime
    because: str | None


class ErasureRequest(RequestBody):
    """The address of the person, as a confirmation."""

    example: ClassVar = {"email": PERSON["email"]}

    email: EmailAddress


async def export_of(state: AppState, permission: Permission, person_id: UUID) -> dict[str, Any]:
    """Return the export of a person, and record that it was made. Refuses an unknown person."""
    async with write_transaction(state) as tx:
        person = target_or_404(await target_of_person(tx, permission, person_id), "person")
        connection = await driver_connection(tx)
        at = state.clock()
        try:
            document = await export_person(connection, person.workspace_id, person.name, at)
        except PersonUnknown:
            raise Refusal("not-found") from None
        counts = {"events": len(document["events"])}
        await actions_store.add(
            connection, "exported", workspace_id=person.workspace_id, actor=permission.actor, at=at, counts=counts
        )
    return document


@router.get(
    "/{person_id}/export", response_model=ExportResponse, responses=ok_response(EXPORT) | problem_examples("not-found")
)
async def get_person_export(
    person_id: UUID, permission: Admin, state: State, _query: Annotated[WorkspaceQuery, Query()]
) -> dict[str, Any]:
    """Return everything that Showup has about the person: their records, and the events that name them.

    It is recorded who exported, not whom.
    """
    return await export_of(state, permission, person_id)


@commands.post(
    "/{person_id}/erase",
    status_code=201,
    response_model=ErasureResponse,
    responses=created_response(ERASURE) | problem_examples("not-found", "refused-by-rules"),
)
async def create_erasure(
    person_id: UUID,
    body: ErasureRequest,
    unit_of_work: AdminUnitOfWork,
    state: State,
    _query: Annotated[WorkspaceQuery, Query()],
) -> Any:
    """Erase the person from the log, all records, messages, leads and chats; the worker does it soon. No way back.

    Deals, outcomes and all totals stay, under a pseudonym. Send the person's address to confirm that you mean them.
    """
    target = await target_of_person(unit_of_work.tx, unit_of_work.permission, person_id)
    person: CommandTarget = target_or_404(target, "person")
    if body.email != person.name:
        raise invalid_field("email", "body", "This is not the person's address.")
    try:
        return await request_erasure(
            *(await unit_of_work.connection(), state.mail_secrets.seal, person.workspace_id, person_id, person.name),
            actor=unit_of_work.permission.actor,
            at=unit_of_work.at,
        )
    except NotErasable as fault:
        raise Refusal("refused-by-rules", str(fault)) from None
