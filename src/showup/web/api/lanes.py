"""`/api/lanes`: what each destination still has to be told, and whether it is left in peace for now."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from showup.reads.lanes import list_lanes
from showup.web.api.shapes import Example, Page, shows
from showup.web.auth import Reader
from showup.web.ground import OnGround, Reading
from showup.web.questions import Question

router = APIRouter(prefix="/api/lanes", tags=["deliveries"])

LANE: Example = {
    "workspace": "default",
    "destination": "email",
    "state": "paused",
    "because": "Resend can't be reached: nothing has passed since 2026-03-10 09:15:00 UTC",
    "paused_until": "2026-03-10T09:20:00Z",
    "failing_since": "2026-03-10T09:15:00Z",
    "waiting": 42,
    "due": 7,
    "sending": 0,
}


class Lane(BaseModel):
    """What one workspace tells one destination.

    It is `failing` when the last that it was told did not pass, and `paused` while nothing is tried at all.
    """

    workspace: str
    destination: str
    state: Literal["open", "failing", "paused"]
    because: str | None
    paused_until: datetime | None
    failing_since: datetime | None
    waiting: int = Field(description="All that are scheduled, those far ahead too.")
    due: int = Field(description="Those of them whose time has come.")
    sending: int


@router.get("", response_model=Page[Lane], responses=shows({"items": [LANE], "next_cursor": None}))
async def lanes(permit: Reader, tx: Reading, ground: OnGround, _asked: Annotated[Question, Query()]) -> Any:
    """List the lanes, all on one page."""
    return {"items": await list_lanes(tx, permit, ground.clock()), "next_cursor": None}
