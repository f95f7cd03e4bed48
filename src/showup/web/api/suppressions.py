"""`/api/suppressions`: addresses that are not written to any more, and why."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from showup.reads.suppressions import SORTS, SuppressionFilter, list_suppressions
from showup.web.api.shapes import EVENT_ID, PERSON, Example, Page, page_of, shows
from showup.web.auth import Reader
from showup.web.ground import Reading
from showup.web.paging import shown
from showup.web.problems import documented
from showup.web.questions import ListQuestion, Word

router = APIRouter(prefix="/api/suppressions", tags=["suppressions"])

SuppressionScope = Literal["all", "follow_up"]
SuppressionReason = Literal["bounced", "complained", "unsubscribed"]

SUPPRESSION: Example = {
    "id": "6a1d0c3e-2b7f-4e58-9c41-8d0f3b5a7e92",
    "email": PERSON["email"],
    "scope": "all",
    "reason": "bounced",
    "because": "it bounced, and always will: NoEmail, there is no such mailbox",
    "delivery_id": "9f8e7d6c-5b4a-5392-8170-6f5e4d3c2b1a",
    "event_id": EVENT_ID,
    "created_at": "2026-03-10T09:15:04Z",
}


class SuppressionQuestion(ListQuestion):
    """Which suppressions."""

    email: Word | None = Field(None, description="The whole address.")
    scope: SuppressionScope | None = None
    reason: SuppressionReason | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"

    def wanted(self) -> SuppressionFilter:
        """The same in the words of `reads`."""
        email = None if self.email is None else self.email.strip().lower()
        return SuppressionFilter(email=email, scope=self.scope, reason=self.reason)


class Suppression(BaseModel):
    """An address that gets no mail: none at all, or none that nobody asked for (`follow_up`).

    `delivery_id` and `event_id` lead to the mail that bounced or was complained of, and to what told of it.
    """

    id: UUID
    email: str
    scope: SuppressionScope
    reason: SuppressionReason
    because: str
    delivery_id: UUID | None
    event_id: UUID | None
    created_at: datetime


@router.get("", response_model=Page[Suppression], responses=shows(page_of(SUPPRESSION)) | documented("broken-cursor"))
async def suppressions(permit: Reader, tx: Reading, asked: Annotated[SuppressionQuestion, Query()]) -> Any:
    """List the addresses that are not written to any more, the latest first."""
    ask = asked.ask(SORTS)
    return shown(await list_suppressions(tx, permit, asked.wanted(), ask), ask)
