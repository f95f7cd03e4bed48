"""`/api/queues`: each destination's pending deliveries, and whether it is paused."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from showup.reads.queues import list_queues
from showup.web.api.schemas import Example, PageResponse, ok_response
from showup.web.http.api_route import ApiRoute
from showup.web.http.app_state import ReadTransaction, State
from showup.web.http.auth import Reader
from showup.web.http.query_params import WorkspaceQuery

router = APIRouter(prefix="/api/queues", tags=["deliveries"], route_class=ApiRoute)

QUEUE: Example = {
    "workspace": "default",
    "destination": "email",
    "state": "paused",
    "because": "Resend can't be reached: no delivery succeeded since 2026-03-10 09:15:00 UTC",
    "paused_until": "2026-03-10T09:20:00Z",
    "failing_since": "2026-03-10T09:15:00Z",
    "waiting": 42,
    "due": 7,
    "sending": 0,
}


class QueueResponse(BaseModel):
    """The deliveries of one workspace to one destination.

    Status `failing`: the last attempt failed. Status `paused`: no deliveries are attempted.
    """

    workspace: str
    destination: str
    state: Literal["working", "failing", "paused"]
    because: str | None
    paused_until: datetime | None
    failing_since: datetime | None
    waiting: int = Field(description="All scheduled deliveries, including those due far in the future.")
    due: int = Field(description="Scheduled deliveries that are due.")
    sending: int


@router.get(
    "",
    name="list_queues",
    response_model=PageResponse[QueueResponse],
    responses=ok_response({"items": [QUEUE], "next_cursor": None}),
)
async def get_queues(
    permission: Reader, tx: ReadTransaction, state: State, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """List destination queues, all on one page."""
    return {"items": await list_queues(tx, permission, state.clock()), "next_cursor": None}
