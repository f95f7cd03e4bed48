"""The state of a connection to EmailBison in `/api/connections`, and the request to read it now."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from showup.access import connections_store
from showup.connections.sync_requests_store import request_sync
from showup.database.engine import driver_connection
from showup.reads.lead_sources import EMAILBISON, as_item, lead_source_state
from showup.web.api.schemas import Example, ok_response
from showup.web.http.command_route import CommandRoute
from showup.web.http.problems import Refusal, problem_examples
from showup.web.http.query_params import WorkspaceQuery
from showup.web.http.request_fields import RequestBody
from showup.web.http.unit_of_work import AdminUnitOfWork

commands = APIRouter(prefix="/api/connections", tags=["connections"], route_class=CommandRoute)

STATE: Final[Example] = {
    "available": True,
    "last_synced_at": "2026-03-10T09:15:04Z",
    "message": None,
    "next_at": "2026-03-10T09:30:00Z",
    "workspace_number": 12,
    "workspace_name": "Acme outbound",
    "statistics_read_at": "2026-03-10T09:15:02Z",
    "leads": {"state": "running", "read": 41850, "expected": 120000, "ended_at": None},
    "reported": 0,
}


class LeadImportState(BaseModel):
    """The first import of all leads. `read` counts the leads that came later too."""

    state: Literal["waiting", "running", "done"]
    read: int
    expected: int | None = Field(description="Number of leads when the import began; null: EmailBison did not say.")
    ended_at: datetime | None


class EmailBisonSync(BaseModel):
    """Status of a workspace's EmailBison. While EmailBison is unavailable, Showup keeps the last known data."""

    available: bool | None = Field(description="null: not read yet.")
    last_synced_at: datetime | None
    message: str | None = Field(description="Message to display with its data while EmailBison is unavailable.")
    next_at: datetime
    workspace_number: int | None = Field(description="EmailBison's number of the workspace that the token opens.")
    workspace_name: str | None
    statistics_read_at: datetime | None
    leads: LeadImportState
    reported: int = Field(description="Number of leads that webhooks named and that are not read yet.")


class SyncRequest(RequestBody):
    """A request to read EmailBison now. `full`: all leads and replies again, not only new ones."""

    example: ClassVar = {"full": False}

    full: bool = False


class SyncResponse(BaseModel):
    """The state when the request was stored; `GET /api/connections` shows its progress."""

    id: UUID
    workspace: str
    emailbison: EmailBisonSync


@commands.post(
    "/{connection_id}/sync",
    response_model=SyncResponse,
    responses=ok_response({"id": "0b8d2c1a-7e4f-4f0e-9a55-3f6c1d2e4b70", "workspace": "default", "emailbison": STATE})
    | problem_examples("not-found", "conflict"),
)
async def sync_connection(
    connection_id: UUID,
    body: SyncRequest,
    unit_of_work: AdminUnitOfWork,
    _query: Annotated[WorkspaceQuery, Query()],
) -> Any:
    """Read campaigns, statistics, leads and replies from EmailBison within a minute."""
    found = await connections_store.get(unit_of_work.tx, connection_id)
    if found is None or not unit_of_work.permission.can_see(found[0]):
        raise Refusal("not-found", "The key can see no connection with this id.")
    workspace_id, connection = found
    if connection.kind != EMAILBISON:
        raise Refusal("conflict", "Only connections to EmailBison can be read on request.")
    driver = await driver_connection(unit_of_work.tx)
    if not await request_sync(driver, connection_id, unit_of_work.at, full=body.full):
        raise Refusal(
            "conflict",
            "This connection is not read: it is new (try again in a minute), its setting `import_leads` is false, or "
            "its address or token is missing.",
        )
    state = await lead_source_state(unit_of_work.tx, workspace_id, unit_of_work.at)
    assert state is not None, "it is on the schedule"
    return {"id": connection_id, "workspace": connection.workspace, "emailbison": as_item(state)}
