"""`/api/connections`: each workspace's connections, with the status and drift of its Cal.com accounts."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from showup.reads.connections import list_connections
from showup.web.api.schemas import Example, PageResponse, ok_response
from showup.web.app_state import ReadTransaction, State
from showup.web.auth import Admin
from showup.web.query_params import WorkspaceQuery

router = APIRouter(prefix="/api/connections", tags=["connections"])

CONNECTION: Example = {
    "id": "0b8d2c1a-7e4f-4f0e-9a55-3f6c1d2e4b70",
    "workspace": "default",
    "kind": "calcom",
    "name": "default",
    "settings": {},
    "has_credentials": True,
    "calcom": {
        "available": True,
        "last_synced_at": "2026-03-10T09:15:04Z",
        "message": None,
        "next_at": "2026-03-10T09:30:00Z",
        "last_run": {
            "kind": "poll",
            "state": "done",
            "because": None,
            "started_at": "2026-03-10T09:15:00Z",
            "ended_at": "2026-03-10T09:15:04Z",
            "checked": 42,
            "repaired": {"cancelled": 1, "created": 2},
            "drifting": 1,
            "drift": [{"uid": "fkP5h9QpE7cX2vN8sL3wRt", "kind": "accepted", "ours": "CANCELLED", "theirs": "accepted"}],
        },
    },
}


class Drift(BaseModel):
    """A difference that no repair corrects; `kind` names the repair that it would need."""

    uid: str
    kind: str
    ours: str
    theirs: str


class ReconciliationResponse(BaseModel):
    """One comparison of bookings with Cal.com's API."""

    kind: Literal["poll", "backfill"]
    state: Literal["done", "failed"]
    because: str | None
    started_at: datetime
    ended_at: datetime | None
    checked: int = Field(description="Number of checked bookings.")
    repaired: dict[str, int] = Field(description="Number of repaired differences by kind.")
    drifting: int = Field(description="Number of remaining differences.")
    drift: list[Drift] = Field(description="The first ten remaining differences.")


class CalcomSync(BaseModel):
    """Status of an account's Cal.com. While Cal.com is unavailable, Showup keeps the last known data."""

    available: bool | None = Field(description="null: not checked yet.")
    last_synced_at: datetime | None
    message: str | None = Field(description="Message to display with its data while Cal.com is unavailable.")
    next_at: datetime
    last_run: ReconciliationResponse | None


class ConnectionResponse(BaseModel):
    """A connection from a workspace to another system. Credentials are reported as present, but never returned.

    `calcom` is null for other kinds, and for accounts without an API key.
    """

    id: UUID
    workspace: str
    kind: str
    name: str
    settings: dict[str, Any]
    has_credentials: bool
    calcom: CalcomSync | None


@router.get(
    "",
    response_model=PageResponse[ConnectionResponse],
    responses=ok_response({"items": [CONNECTION], "next_cursor": None}),
)
async def get_connections(
    permission: Admin, tx: ReadTransaction, state: State, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """List connections, all on one page."""
    return {"items": await list_connections(tx, permission, state.clock()), "next_cursor": None}
