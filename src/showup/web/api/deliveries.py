"""`/api/deliveries`: what is told to the outside, and what became of it."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from showup.reads.deliveries import SORTS, DeliveryFilter, find_content, find_delivery, list_deliveries
from showup.web.api.shapes import BOOKING_ID, EVENT_ID, Example, Page, page_of, shows
from showup.web.auth import Reader, Writer
from showup.web.ground import OnGround, Reading
from showup.web.paging import shown
from showup.web.problems import documented, found_or_refused
from showup.web.questions import ListQuestion, Moment, Question, Word

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
EXPLAINED: Example = DELIVERY | {
    "because": "Resend took it",
    "failures": 1,
    "next_try_at": None,
    "expires_at": "2026-03-11T09:14:59Z",
    "feedback_because": None,
    "feedback_at": "2026-03-10T09:15:09Z",
    "question": None,
}
DETAIL: Example = EXPLAINED | {
    "question": None,
    "rendered_at": "2026-03-10T09:15:00Z",
    "tries": [
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


class DeliveryQuestion(ListQuestion):
    """Which deliveries."""

    state: DeliveryState | None = None
    destination: Word | None = Field(None, description="Such as `email`.")
    kind: Word | None = Field(None, description="Such as `confirm` or `remind`.")
    recipient: Word | None = Field(None, description="The whole address.")
    booking_id: UUID | None = None
    deal_id: UUID | None = None
    due_from: Moment | None = Field(None, description="Due then or later.")
    due_to: Moment | None = Field(None, description="Due before then.")
    sort: Literal["created_at", "-created_at", "due_at", "-due_at"] = "-created_at"

    def wanted(self) -> DeliveryFilter:
        """The same in the words of `reads`."""
        said = self.model_dump(include=set(DeliveryFilter.__struct_fields__))
        recipient = None if self.recipient is None else self.recipient.strip().lower()
        return DeliveryFilter(**said | {"recipient": recipient})


class Delivery(BaseModel):
    """One thing told, or to be told, to one destination about one booking."""

    id: UUID
    booking_id: UUID | None = Field(description="Null where it is about no booking.")
    deal_id: UUID | None = Field(description="The deal, where it is about one by itself.")
    event_id: UUID | None = Field(description="The event that called for it; null where another delivery did.")
    destination: str
    kind: str
    recipient: str | None
    state: DeliveryState
    because: str | None
    due_at: datetime
    delivered_at: datetime | None
    attempts: int = Field(description="All that were ever begun.")
    provider: str | None = Field(description="Who took it: `resend`, `clickup`, `slack`, `outbox` and on.")
    provider_id: str | None = Field(description="Under which id they know it.")
    record: str | None = Field(description="The record there that it went to: a task, a page, a message.")
    found: dict[str, Any] = Field(description="What was learned there, such as the task's link or a sequence's id.")
    feedback: str | None = Field(description="What the provider said later: delivered, bounced, complained, and on.")
    simulated: bool
    created_at: datetime
    updated_at: datetime


class AskedBrief(BaseModel):
    """Which record is meant: asked until then, and answered by whom; `chosen` is null for none of the candidates."""

    until: datetime
    answered_by: str | None
    chosen: str | None


class RecordCandidate(BaseModel):
    """A record there that may be the one."""

    record: str
    name: str
    url: str | None = None
    because: str = ""


class Asked(AskedBrief):
    """The question with its candidates."""

    candidates: list[RecordCandidate]


class ExplainedDelivery(Delivery):
    """A delivery with its way so far; `because` says in each state why it stands there."""

    because: str
    failures: int = Field(description="Those that count against the policy of retries.")
    next_try_at: datetime | None = Field(description="For scheduled ones: when they are tried, at the earliest.")
    expires_at: datetime | None = Field(description="From then on it is not worth telling any more.")
    feedback_because: str | None
    feedback_at: datetime | None
    question: AskedBrief | None = Field(description="What somebody has to decide, or had to, before it goes on.")


class Attempt(BaseModel):
    """One try; `outcome` is null while it is under way, and `lost` when whoever made it ended before it did."""

    number: int
    started_at: datetime
    ended_at: datetime | None
    outcome: AttemptOutcome | None
    because: str | None


class DeliveryDetail(ExplainedDelivery):
    """A delivery with its attempts; `rendered_at` is null as long as nothing was written for it."""

    question: Asked | None = Field(description="What somebody has to decide, or had to, before it goes on.")
    rendered_at: datetime | None
    tries: list[Attempt] = Field(description="Its attempts, the first one first.")


class Content(BaseModel):
    """What is sent, to the letter, at the first attempt and at every later one; a mail's has these fields."""

    delivery_id: UUID
    rendered_at: datetime
    content: dict[str, Any]


@router.get(
    "",
    response_model=Page[ExplainedDelivery],
    responses=shows(page_of(EXPLAINED)) | documented("broken-cursor"),
)
async def deliveries(permit: Reader, tx: Reading, ground: OnGround, asked: Annotated[DeliveryQuestion, Query()]) -> Any:
    """List deliveries, the latest first, each with the reason why it stands where it does."""
    ask = asked.ask(SORTS)
    return shown(await list_deliveries(tx, permit, asked.wanted(), ask, ground.clock()), ask)


@router.get("/{delivery_id}", response_model=DeliveryDetail, responses=shows(DETAIL) | documented("not-found"))
async def delivery(
    delivery_id: UUID, permit: Reader, tx: Reading, ground: OnGround, _asked: Annotated[Question, Query()]
) -> Any:
    """One delivery with its attempts."""
    return found_or_refused(await find_delivery(tx, permit, delivery_id, ground.clock()), "delivery")


# Not for the scope read: whoever has the links in a mail can cancel the meeting, move it or unsubscribe its attendee.
@router.get("/{delivery_id}/content", response_model=Content, responses=shows(_CONTENT) | documented("not-found"))
async def content(delivery_id: UUID, permit: Writer, tx: Reading, _asked: Annotated[Question, Query()]) -> Any:
    """What one delivery sends. It needs write: the links in a mail cancel the meeting for whoever follows them."""
    return found_or_refused(await find_content(tx, permit, delivery_id), "rendered delivery")
