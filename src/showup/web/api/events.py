"""`/api/events`: what reached us, byte for byte, and what became of it."""

import base64
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from showup.reads.events import SORTS, EventFilter, find_event, list_events
from showup.reads.rows import Found
from showup.web.api.shapes import BOOKING_ID, EVENT_ID, Example, Page, page_of, shows
from showup.web.auth import Reader
from showup.web.ground import Reading
from showup.web.paging import shown
from showup.web.problems import documented, found_or_refused
from showup.web.questions import ListQuestion, Question, Word

router = APIRouter(prefix="/api/events", tags=["events"])

EventState = Literal["kept", "applied", "ignored", "unreadable", "waiting", "failed", "duplicate", "refused"]

_EVENT: Example = {
    "id": EVENT_ID,
    "account": "default",
    "actor": None,
    "origin": "webhook",
    "received_at": "2026-03-10T09:15:00Z",
    "state": "applied",
    "because": None,
    "trigger": "BOOKING_CREATED",
    "source_at": "2026-03-10T09:14:59Z",
    "booking_id": BOOKING_ID,
    "duplicate_of": None,
    "attempts": 1,
    "next_try_at": None,
    "settled_at": "2026-03-10T09:15:00Z",
}
EVENT_DETAIL: Example = _EVENT | {
    "content_type": "application/json",
    "webhook_version": "2021-10-20",
    "source_address": "192.0.2.17",
    "body": '{"triggerEvent": "BOOKING_CREATED", "payload": {}}',
    "body_base64": None,
}


class EventQuestion(ListQuestion):
    """Which raw events."""

    state: EventState | None = None
    trigger: Word | None = Field(
        None, description="Cal.com's name for the webhook, such as `BOOKING_CREATED`, or of a command: `change_deal`."
    )
    uid: Word | None = Field(None, description="The Cal.com uid that the event is about.")
    sort: Literal["received_at", "-received_at"] = "-received_at"

    def wanted(self) -> EventFilter:
        """The same in the words of `reads`."""
        return EventFilter(state=self.state, trigger=self.trigger, uid=self.uid)


class RawEvent(BaseModel):
    """A webhook as it arrived, or what somebody did here; `state` says what became of it and `because` why.

    `account` is null for what somebody did here, and `actor` says who it was.
    """

    id: UUID
    account: str | None
    actor: str | None
    origin: str
    received_at: datetime
    state: EventState
    because: str | None
    trigger: str | None
    source_at: datetime | None
    booking_id: UUID | None
    duplicate_of: UUID | None
    attempts: int
    next_try_at: datetime | None
    settled_at: datetime | None


class RawEventDetail(RawEvent):
    """A raw event with its exact body: as text when it is UTF-8, in Base64 otherwise."""

    content_type: str | None
    webhook_version: str | None
    source_address: str | None
    body: str | None
    body_base64: str | None


@router.get("", response_model=Page[RawEvent], responses=shows(page_of(_EVENT)) | documented("broken-cursor"))
async def events(permit: Reader, tx: Reading, asked: Annotated[EventQuestion, Query()]) -> Any:
    """List raw events, the latest first.

    What no workspace has been found for yet shows to a key for all workspaces only.
    """
    ask = asked.ask(SORTS)
    return shown(await list_events(tx, permit, asked.wanted(), ask), ask)


@router.get("/{event_id}", response_model=RawEventDetail, responses=shows(EVENT_DETAIL) | documented("not-found"))
async def event(event_id: UUID, permit: Reader, tx: Reading, _asked: Annotated[Question, Query()]) -> Any:
    """One raw event with its body."""
    return readable(found_or_refused(await find_event(tx, permit, event_id), "event"))


@router.get(
    "/{event_id}/body",
    response_class=Response,
    responses=shows(EVENT_DETAIL["body"], media_type="application/octet-stream") | documented("not-found"),
)
async def event_body(event_id: UUID, permit: Reader, tx: Reading, _asked: Annotated[Question, Query()]) -> Response:
    """The bytes of one raw event, as they arrived."""
    found = found_or_refused(await find_event(tx, permit, event_id), "event")
    # Strangers wrote these bytes: a browser must keep them, never show them.
    headers = {"Content-Disposition": f'attachment; filename="{event_id}.bin"'}
    return Response(found["body"], media_type="application/octet-stream", headers=headers)


def readable(event: Found) -> Found:
    """The event with its body as text, or in Base64."""
    raw = bytes(event["body"])
    try:
        return event | {"body": raw.decode(), "body_base64": None}
    except UnicodeDecodeError:
        return event | {"body": None, "body_base64": base64.b64encode(raw).decode()}
