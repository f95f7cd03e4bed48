"""`/api/endpoints`: where outgoing webhooks go, and how it goes with them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from showup.reads.endpoints import SORTS, find_endpoint, list_endpoints
from showup.web.api.shapes import Example, Page, page_of, shows
from showup.web.auth import Admin
from showup.web.ground import OnGround, Reading
from showup.web.paging import shown
from showup.web.problems import documented, found_or_refused
from showup.web.questions import ListQuestion, Question

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


class EndpointQuestion(ListQuestion):
    """Which endpoints."""

    sort: Literal["created_at", "-created_at"] = "-created_at"


class Endpoint(BaseModel):
    """One address that is told news of a workspace; its secret is shown when it is made, and never again.

    It is `failing` while nothing passes, and tried again by itself; `paused` until somebody lets it go on.
    """

    id: UUID
    url: str
    description: str
    kinds: list[str] = Field(description="The kinds of news that it is told.")
    state: Literal["open", "failing", "paused"]
    because: str | None = Field(description="Why it fails, or is paused.")
    paused_at: datetime | None = Field(description="Since when nothing is sent there: what comes meanwhile waits.")
    failing_since: datetime | None
    next_try_at: datetime | None = Field(description="While it fails: when it is tried again, if it waits for that.")
    created_at: datetime
    updated_at: datetime


@router.get("", response_model=Page[Endpoint], responses=shows(page_of(ENDPOINT)) | documented("broken-cursor"))
async def endpoints(permit: Admin, tx: Reading, ground: OnGround, asked: Annotated[EndpointQuestion, Query()]) -> Any:
    """List the endpoints, the latest first."""
    ask = asked.ask(SORTS)
    return shown(await list_endpoints(tx, permit, ask, ground.clock()), ask)


@router.get("/{endpoint_id}", response_model=Endpoint, responses=shows(ENDPOINT) | documented("not-found"))
async def endpoint(
    endpoint_id: UUID, permit: Admin, tx: Reading, ground: OnGround, _asked: Annotated[Question, Query()]
) -> Any:
    """One endpoint."""
    return found_or_refused(await find_endpoint(tx, permit, endpoint_id, ground.clock()), "endpoint")
