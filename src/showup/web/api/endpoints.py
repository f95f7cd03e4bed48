"""`/api/endpoints`: the endpoints of outgoing webhooks and their status."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from showup.reads.endpoints import SORTS, find_endpoint, list_endpoints
from showup.web.api.schemas import Example, PageResponse, ok_response, page_example
from showup.web.app_state import ReadTransaction, State
from showup.web.auth import Admin
from showup.web.paging import page_response
from showup.web.problems import found_or_404, problem_examples
from showup.web.query_params import ListQuery, WorkspaceQuery

router = APIRouter(prefix="/api/endpoints", tags=["endpoints"])

ENDPOINT: Example = {
    "id": "2c7d9b1e-3a4f-4b5c-8d6e-7f8091a2b3c4",
    "url": "https://crm.example.com/showup",
    "description": "our CRM",
    "kinds": ["booking.created", "booking.cancelled", "deal.won"],
    "state": "open",
    "because": None,
    "paused_at": None,
    "failing_since": None,
    "next_try_at": None,
    "created_at": "2026-03-10T09:00:00Z",
    "updated_at": "2026-03-10T09:00:00Z",
}


class EndpointQuery(ListQuery):
    """Filters and paging for endpoints."""

    sort: Literal["created_at", "-created_at"] = "-created_at"


class EndpointResponse(BaseModel):
    """An address that receives a workspace's events. Its secret is returned when it is created, and never again.

    Status `failing`: the last deliveries failed and Showup retries by itself. Status `paused`: nothing is sent until a
    user resumes the endpoint.
    """

    id: UUID
    url: str
    description: str
    kinds: list[str] = Field(description="The kinds of events sent to it.")
    state: Literal["open", "failing", "paused"]
    because: str | None = Field(description="Why it is failing or paused.")
    paused_at: datetime | None = Field(description="Time when deliveries were paused; new deliveries wait.")
    failing_since: datetime | None
    next_try_at: datetime | None = Field(description="While failing: time of the next attempt, if one is scheduled.")
    created_at: datetime
    updated_at: datetime


@router.get(
    "",
    response_model=PageResponse[EndpointResponse],
    responses=ok_response(page_example(ENDPOINT)) | problem_examples("broken-cursor"),
)
async def get_endpoints(
    permission: Admin, tx: ReadTransaction, state: State, query: Annotated[EndpointQuery, Query()]
) -> Any:
    """List endpoints, latest first."""
    page_request = query.page_request(SORTS)
    return page_response(await list_endpoints(tx, permission, page_request, state.clock()), page_request)


@router.get(
    "/{endpoint_id}", response_model=EndpointResponse, responses=ok_response(ENDPOINT) | problem_examples("not-found")
)
async def get_endpoint(
    endpoint_id: UUID, permission: Admin, tx: ReadTransaction, state: State, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Get an endpoint."""
    return found_or_404(await find_endpoint(tx, permission, endpoint_id, state.clock()), "endpoint")
