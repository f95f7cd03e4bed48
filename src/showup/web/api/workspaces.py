"""`/api/workspaces`: the workspaces that a key can see."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from showup.access.workspaces_store import list_workspaces
from showup.web.api.schemas import Example, PageResponse, ok_response
from showup.web.http.api_route import ApiRoute
from showup.web.http.app_state import ReadTransaction
from showup.web.http.auth import Reader
from showup.web.http.query_params import WorkspaceQuery

router = APIRouter(prefix="/api/workspaces", tags=["workspaces"], route_class=ApiRoute)

WORKSPACE: Example = {
    "id": "2f9c1d7e-4a3b-4c5d-8e6f-7a8b9c0d1e2f",
    "slug": "default",
    "name": "Default",
    "time_zone": "Europe/Berlin",
}


class WorkspaceResponse(BaseModel):
    """One client, whose people, companies, bookings and deals are visible to no other workspace."""

    id: UUID
    slug: str = Field(description="Its name in `workspace`, of queries and of rows.")
    name: str
    time_zone: str = Field(description="IANA name.")


@router.get(
    "",
    name="list_workspaces",
    response_model=PageResponse[WorkspaceResponse],
    responses=ok_response({"items": [WORKSPACE], "next_cursor": None}),
)
async def get_workspaces(permission: Reader, tx: ReadTransaction, _query: Annotated[WorkspaceQuery, Query()]) -> Any:
    """List the workspaces that the key can see, oldest first, all on one page."""
    items = [workspace for workspace in await list_workspaces(tx) if permission.can_see(workspace.id)]
    return {"items": [{name: getattr(item, name) for name in WORKSPACE} for item in items], "next_cursor": None}
