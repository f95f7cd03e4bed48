"""`/api/deliveries`: what is told to the outside, and what became of it."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from showup.reads.deliveries import SORTS, DeliveryFilter, list_deliveries
from showup.web.api.shapes import BOOKING_ID, EVENT_ID, Example, Page, page_of, shows
from showup.web.auth import Reader
from showup.web.ground import Reading
from showup.web.paging import shown
from showup.web.problems import documented
from showup.web.questions import ListQuestion, Word

router = APIRouter(prefix="/api/deliveries", tags=["deliveries"])

DeliveryState = Literal["scheduled", "sending", "delivered", "failed", "withdrawn", "skipped"]

DELIVERY: Example = {
    "id": "9f8e7d6c-5b4a-5392-8170-6f5e4d3c2b1a",
    "booking_id": BOOKING_ID,
    "event_id": EVENT_ID,
    "destination": "email",
    "kind": "confirm",
    "recipient": "sarah.chen@acme.com",
    "state": "delivered",
    "because": None,
    "due_at": "2026-03-10T09:15:00Z",
    "delivered_at": "2026-03-10T09:15:01Z",
    "simulated": False,
    "created_at": "2026-03-10T09:15:00Z",
    "updated_at": "2026-03-10T09:15:01Z",
}


class DeliveryQuestion(ListQuestion):
    """Which deliveries."""

    state: DeliveryState | None = None
    destination: Word | None = Field(None, description="Such as `email`.")
    booking_id: UUID | None = None
    sort: Literal["created_at", "-created_at", "due_at", "-due_at"] = "-created_at"

    def wanted(self) -> DeliveryFilter:
        """The same in the words of `reads`."""
        return DeliveryFilter(**self.model_dump(include={"state", "destination", "booking_id"}))


class Delivery(BaseModel):
    """One thing told, or to be told, to one destination about one booking."""

    id: UUID
    booking_id: UUID
    event_id: UUID
    destination: str
    kind: str
    recipient: str | None
    state: DeliveryState
    because: str | None
    due_at: datetime
    delivered_at: datetime | None
    simulated: bool
    created_at: datetime
    updated_at: datetime


@router.get(
    "",
    response_model=Page[Delivery],
    responses=shows(page_of(DELIVERY)) | documented("broken-cursor"),
)
async def deliveries(permit: Reader, tx: Reading, asked: Annotated[DeliveryQuestion, Query()]) -> Any:
    """List deliveries, the latest first."""
    ask = asked.ask(SORTS)
    return shown(await list_deliveries(tx, permit, asked.wanted(), ask), ask)
