"""`/api/deliveries`: messages to other systems and people, with their status."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from showup.reads.deliveries import SORTS, DeliveryFilter, find_content, find_delivery, list_deliveries
from showup.web.api.schemas import BOOKING_ID, EVENT_ID, Example, PageResponse, ok_response, page_example
from showup.web.app_state import ReadTransaction, State
from showup.web.auth import Reader, Writer
from showup.web.paging import page_response
from showup.web.problems import found_or_404, problem_examples
from showup.web.query_params import ListQuery, ShortText, Timestamp, WorkspaceQuery

router = APIRouter(prefix="/api/deliveries", tags=["deliveries"])

DeliveryState = Literal["scheduled", "sending", "delivered", "failed", "withdrawn", "skipped"]
AttemptOutcome = Literal["delivered", "try_again", "asked", "gave_up", "stopped", "lost"]

DELIVERY_ID = "9f8e7d6c-5b4a-5392-8170-6f5e4d3c2b1a"
DELIVERY: Example = {
    "id": DELIVERY_ID,
    "booking_id": BOOKING_ID,
    "deal_id": None,
    "event_id": EVENT_ID,
    "destination": "email",
    "kind": "confirm",
    "recipient": "sarah.chen@acme.com",
    "state": "delivered",
    "because": None,
    "due_at": "2026-03-10T09:15:00Z",
    "delivered_at": "2026-03-10T09:15:06Z",
    "attempts": 2,
    "provider": "resend",
    "provider_id": "5f2c7a1e-0b3d-4c6e-9f81-2a7d4e6b8c90",
    "record": None,
    "found": {},
    "feedback": "delivered",
    "simulated": False,
    "created_at": "2026-03-10T09:15:00Z",
    "updated_at": "2026-03-10T09:15:06Z",
}
DELIVERY_STATUS: Example = DELIVERY | {
    "because": "Resend accepted it",
    "failures": 1,
    "next_try_at": None,
    "expires_at": "2026-03-11T09:14:59Z",
    "feedback_because": None,
    "feedback_at": "2026-03-10T09:15:09Z",
    "question": None,
}
DELIVERY_DETAIL: Example = DELIVERY_STATUS | {
    "question": None,
    "rendered_at": "2026-03-10T09:15:00Z",
    "attempt_history": [
        {
            "number": 1,
            "started_at": "2026-03-10T09:15:00Z",
            "ended_at": "2026-03-10T09:15:01Z",
            "outcome": "try_again",
            "because": "Resend answered 500",
        },
        {
            "number": 2,
            "started_at": "2026-03-10T09:15:05Z",
            "ended_at": "2026-03-10T09:15:06Z",
            "outcome": "delivered",
            "because": None,
        },
    ],
}
_CONTENT: Example = {
    "delivery_id": DELIVERY_ID,
    "rendered_at": "2026-03-10T09:15:00Z",
    "content": {
        "sender": "Our Brand <meetings@ourbrand.example>",
        "to": "sarah.chen@acme.com",
        "subject": "Confirmed: Intro call",
        "html": "<p>Your meeting is booked.</p>",
        "text": "Your meeting is booked.",
        "reply_to": "dana@ourbrand.example",
        "calendar": "BEGIN:VCALENDAR\r\n…\r\nEND:VCALENDAR\r\n",
        "calendar_method": "REQUEST",
        "headers": {},
    },
}


class DeliveryQuery(ListQuery):
    """Filters and paging for deliveries."""

    state: DeliveryState | None = None
    destination: ShortText | None = Field(None, description="For example `email`.")
    kind: ShortText | None = Field(None, description="For example `confirm` or `remind`.")
    recipient: ShortText | None = Field(None, description="The full address.")
    booking_id: UUID | None = None
    deal_id: UUID | None = None
    due_from: Timestamp | None = Field(None, description="Due at or after this time.")
    due_to: Timestamp | None = Field(None, description="Due before this time.")
    sort: Literal["created_at", "-created_at", "due_at", "-due_at"] = "-created_at"

    def to_filter(self) -> DeliveryFilter:
        """Return these filters as a `reads` filter."""
        criteria = self.model_dump(include=set(DeliveryFilter.__struct_fields__))
        recipient = None if self.recipient is None else self.recipient.strip().lower()
        return DeliveryFilter(**criteria | {"recipient": recipient})


class DeliveryResponse(BaseModel):
    """One message to one destination, usually about one booking."""

    id: UUID
    booking_id: UUID | None = Field(description="The booking; null if the delivery is about no booking.")
    deal_id: UUID | None = Field(description="The deal; set if the delivery is about a deal rather than a booking.")
    event_id: UUID | None = Field(description="The event that planned the delivery; null if another delivery did.")
    destination: str
    kind: str
    recipient: str | None
    state: DeliveryState
    because: str | None
    due_at: datetime
    delivered_at: datetime | None
    attempts: int = Field(description="Number of attempts started.")
    provider: str | None = Field(description="The provider, such as `resend`, `clickup`, `slack` or `mail_preview`.")
    provider_id: str | None = Field(description="The provider's id of the delivery.")
    record: str | None = Field(
        description="The provider's record that the delivery created or updated: a task, a page or a message."
    )
    found: dict[str, Any] = Field(description="Data from the provider, such as the task's link or a sequence's id.")
    feedback: str | None = Field(description="The provider's later feedback, such as delivered, bounced or complained.")
    simulated: bool
    created_at: datetime
    updated_at: datetime


class RecordQuestionSummary(BaseModel):
    """The choice of a record: until when it can be made, and who made it.

    `chosen` is null if none of the candidates was chosen.
    """

    until: datetime
    answered_by: str | None
    chosen: str | None


class RecordCandidate(BaseModel):
    """A record of the provider that may be the right one."""

    record: str
    name: str
    url: str | None = None
    because: str = ""


class RecordQuestionResponse(RecordQuestionSummary):
    """The choice of a record, with its candidates."""

    candidates: list[RecordCandidate]


class DeliveryStatusResponse(DeliveryResponse):
    """A delivery with its status; `because` gives the reason for the current state."""

    because: str
    failures: int = Field(description="Failed attempts that count towards the retry limit.")
    next_try_at: datetime | None = Field(description="For scheduled deliveries: the earliest time of the next attempt.")
    expires_at: datetime | None = Field(description="The delivery is not sent after this time.")
    feedback_because: str | None
    feedback_at: datetime | None
    question: RecordQuestionSummary | None = Field(description="A pending or past choice that the delivery depends on.")


class AttemptResponse(BaseModel):
    """One attempt; `outcome` is null while it is in progress, and `lost` if the process stopped before it finished."""

    number: int
    started_at: datetime
    ended_at: datetime | None
    outcome: AttemptOutcome | None
    because: str | None


class DeliveryDetailResponse(DeliveryStatusResponse):
    """A delivery with its attempts; `rendered_at` is null until its content is rendered."""

    question: RecordQuestionResponse | None = Field(
        description="A pending or past choice that the delivery depends on."
    )
    rendered_at: datetime | None
    attempt_history: list[AttemptResponse] = Field(description="Attempts, oldest first.")


class DeliveryContentResponse(BaseModel):
    """The exact content, the same at every attempt. Mails have these fields."""

    delivery_id: UUID
    rendered_at: datetime
    content: dict[str, Any]


@router.get(
    "",
    response_model=PageResponse[DeliveryStatusResponse],
    responses=ok_response(page_example(DELIVERY_STATUS)) | problem_examples("broken-cursor"),
)
async def get_deliveries(
    permission: Reader, tx: ReadTransaction, state: State, query: Annotated[DeliveryQuery, Query()]
) -> Any:
    """List deliveries, latest first, each with the reason for its state."""
    page_request = query.page_request(SORTS)
    return page_response(
        await list_deliveries(tx, permission, query.to_filter(), page_request, state.clock()), page_request
    )


@router.get(
    "/{delivery_id}",
    response_model=DeliveryDetailResponse,
    responses=ok_response(DELIVERY_DETAIL) | problem_examples("not-found"),
)
async def get_delivery(
    delivery_id: UUID, permission: Reader, tx: ReadTransaction, state: State, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Get a delivery with its attempts."""
    return found_or_404(await find_delivery(tx, permission, delivery_id, state.clock()), "delivery")


# The scope read is not enough: with the links in a mail, a reader could cancel or move the meeting or unsubscribe the
# attendee.
@router.get(
    "/{delivery_id}/content",
    response_model=DeliveryContentResponse,
    responses=ok_response(_CONTENT) | problem_examples("not-found"),
)
async def get_delivery_content(
    delivery_id: UUID, permission: Writer, tx: ReadTransaction, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Get the content of a delivery. Requires the scope write, because the links in a mail can cancel the meeting."""
    return found_or_404(await find_content(tx, permission, delivery_id), "rendered delivery")
