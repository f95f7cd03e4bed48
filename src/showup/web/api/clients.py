"""`/api/clients/{id}/bookings`: the bookings of a workspace, in the form that seed 002 fixes (CA6)."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from showup.reads.client_bookings import MAX_ROWS, client_bookings, find_client
from showup.web.api.schemas import PERSON, Example, ok_response
from showup.web.http.app_state import ReadTransaction, State
from showup.web.http.auth import Reader
from showup.web.http.problems import Refusal
from showup.web.http.query_params import Timestamp, WorkspaceQuery

router = APIRouter(prefix="/api/clients", tags=["funnel"])


class ClientBookingsQuery(WorkspaceQuery):
    """Which bookings to list, by the time at which they were made."""

    from_: Timestamp | None = Field(None, alias="from", description="Booked at or after this time.")
    to: Timestamp | None = Field(None, description="Booked before this time.")
    limit: int = Field(
        MAX_ROWS,
        ge=1,
        le=MAX_ROWS,
        description="The most rows, the newest first. `summary` counts all, so a greater `total_bookings` says that "
        "rows are left out: ask for shorter periods.",
    )


class ClientBooking(BaseModel):
    """One attendee of a booking that is neither cancelled nor rejected."""

    campaign_id: int = Field(description="0 if no lead of a campaign is known.")
    campaign_name: str
    lead_email: str = Field(
        description="The lead's address; the attendee's if no lead is known. Empty for an attendee without one."
    )
    booked_at: datetime
    scheduled_time: datetime
    showed_up: bool | None


class ClientSummary(BaseModel):
    """Counts of rows."""

    total_bookings: int
    total_shows: int
    total_no_shows: int
    pending_meetings: int = Field(description="Neither a show nor a no-show is known.")
    show_rate: float = Field(description="total_shows / total_bookings × 100; 0 without bookings.")


class ClientBookingsResponse(BaseModel):
    """The answer of seed 002: these fields, and no other."""

    bookings: list[ClientBooking]
    summary: ClientSummary
    timestamp: datetime


_ANSWER: Example = {
    "bookings": [
        {
            "campaign_id": 1_000_000_000,
            "campaign_name": "Founders NL",
            "lead_email": PERSON["email"],
            "booked_at": "2026-03-10T09:15:00Z",
            "scheduled_time": "2026-03-12T15:00:00Z",
            "showed_up": True,
        }
    ],
    "summary": {
        "total_bookings": 1,
        "total_shows": 1,
        "total_no_shows": 0,
        "pending_meetings": 0,
        "show_rate": 100.0,
    },
    "timestamp": "2026-03-12T16:00:00Z",
}


@router.get(
    "/{client_id}/bookings",
    name="get_client_bookings",
    response_model=ClientBookingsResponse,
    responses=ok_response(_ANSWER),
)
async def get_client_bookings(
    client_id: Annotated[
        str, Path(max_length=100, description="Slug, UUID or EmailBison id of a workspace.", examples=["default"])
    ],
    permission: Reader,
    tx: ReadTransaction,
    state: State,
    query: Annotated[ClientBookingsQuery, Query()],
) -> Any:
    """List the bookings of a workspace with their campaigns, one row for each attendee who is no teammate."""
    workspace = await find_client(tx, permission, client_id)
    if workspace is None:
        raise Refusal("not-found", "The key can see no workspace with this slug or id.")
    return await client_bookings(
        tx, workspace.id, booked_from=query.from_, booked_before=query.to, now=state.clock(), limit=query.limit
    )
