"""`/api/connections`: what each workspace is connected to; of Cal.com, whether it answers and what it told us late."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from showup.reads.connections import list_connections
from showup.web.api.shapes import Example, Page, shows
from showup.web.auth import Admin
from showup.web.ground import OnGround, Reading
from showup.web.questions import Question

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
            "looked_at": 42,
            "healed": {"cancelled": 1, "created": 2},
            "drifting": 1,
            "drift": [{"uid": "fkP5h9QpE7cX2vN8sL3wRt", "kind": "accepted", "ours": "CANCELLED", "theirs": "accepted"}],
        },
    },
}


class Drift(BaseModel):
    """One difference that no news of ours puts right; `kind` is what it would have healed as."""

    uid: str
    kind: str
    ours: str
    theirs: str


class Reconciliation(BaseModel):
    """One time that bookings were compared with Cal.com's API."""

    kind: Literal["poll", "backfill"]
    state: Literal["done", "failed"]
    because: str | None
    started_at: datetime
    ended_at: datetime | None
    looked_at: int
    healed: dict[str, int] = Field(description="How many differences healed, by kind.")
    drifting: int = Field(description="How many differences are left.")
    drift: list[Drift] = Field(description="The first ten of them.")


class CalcomSync(BaseModel):
    """What is known of the Cal.com behind an account. While it does not answer, the last known data stay."""

    available: bool | None = Field(description="null: it was never asked.")
    last_synced_at: datetime | None
    message: str | None = Field(description="What to say where its data are shown, while it does not answer.")
    next_at: datetime
    last_run: Reconciliation | None


class Connection(BaseModel):
    """How a workspace reaches another system; credentials are told to exist, and never shown.

    `calcom` is null for other kinds, and for accounts without an API key.
    """

    id: UUID
    workspace: str
    kind: str
    name: str
    settings: dict[str, Any]
    has_credentials: bool
    calcom: CalcomSync | None


@router.get("", response_model=Page[Connection], responses=shows({"items": [CONNECTION], "next_cursor": None}))
async def connections(permit: Admin, tx: Reading, ground: OnGround, _asked: Annotated[Question, Query()]) -> Any:
    """List the connections, all on one page."""
    return {"items": await list_connections(tx, permit, ground.clock()), "next_cursor": None}
