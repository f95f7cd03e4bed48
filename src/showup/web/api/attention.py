"""`/api/attention`: what needs a person."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from showup.reads.attention import SORTS, AttentionFilter, AttentionKind, list_attention
from showup.web.api.schemas import BOOKING_ID, DEAL_ID, EVENT_ID, Example, PageResponse, ok_response, page_example
from showup.web.http.api_route import ApiRoute
from showup.web.http.app_state import ReadTransaction, State
from showup.web.http.auth import Reader
from showup.web.http.paging import page_response
from showup.web.http.problems import problem_examples
from showup.web.http.query_params import ListQuery, any_of

router = APIRouter(prefix="/api/attention", tags=["attention"], route_class=ApiRoute)

ATTENTION: Example = {
    "id": EVENT_ID,
    "kind": "conflict",
    "workspace": "default",
    "at": "2026-03-12T16:00:00Z",
    "because": "the deal is cancelled: set it to active first, then to won",
    "booking_id": BOOKING_ID,
    "deal_id": DEAL_ID,
    "delivery_id": None,
}


class AttentionQuery(ListQuery):
    """Filters and paging for what needs a person."""

    kind: list[AttentionKind] = any_of()
    sort: Literal["at", "-at"] = "-at"

    def to_filter(self) -> AttentionFilter:
        """Return these filters as a `reads` filter."""
        return AttentionFilter(kind=self.kind)


class AttentionResponse(BaseModel):
    """Something that needs a person.

    `conflict`: an older event arrived after a person's change was accepted; the change stands, until a person changes
    the deal or booking again. `meeting_cancelled`: a deal that a person opened, or moved beyond `met`, lost its
    meeting, and nobody has decided whether to go on. `question`: a delivery waits for the choice of a record.
    `failure`: a delivery failed in the last 7 days. `missing_outcome`: a meeting ended in the last 14 days, and no
    attendance was reported. `unconfirmed`: a meeting starts (`at`) in the next 24 hours, and an attendee who got the
    reminder of the day before said neither yes nor no.
    """

    id: UUID = Field(description="Id of the event, the delivery or the booking.")
    kind: AttentionKind
    workspace: str
    at: datetime
    because: str | None
    booking_id: UUID | None
    deal_id: UUID | None
    delivery_id: UUID | None


@router.get(
    "",
    name="list_attention",
    response_model=PageResponse[AttentionResponse],
    responses=ok_response(page_example(ATTENTION)) | problem_examples("broken-cursor"),
)
async def get_attention(
    permission: Reader, tx: ReadTransaction, state: State, query: Annotated[AttentionQuery, Query()]
) -> Any:
    """List what needs a person, latest first."""
    page_request = query.page_request(SORTS)
    found = await list_attention(tx, permission, query.to_filter(), page_request, state.clock())
    return page_response(found, page_request)
