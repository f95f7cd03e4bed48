"""`/api/events`: received events, byte for byte, and their processing state."""

import base64
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from showup.inbox.replay import replay_event as requeue_event
from showup.reads.events import SORTS, EventFilter, event_exists, find_event, list_events
from showup.reads.rows import Item, can_see_uids
from showup.reads.simulated import SimulatedFilter
from showup.web.api.schemas import BOOKING_ID, EVENT_ID, Example, PageResponse, ok_response, page_example
from showup.web.http.api_route import ApiRoute
from showup.web.http.app_state import ReadTransaction
from showup.web.http.auth import Reader, Writer
from showup.web.http.command_route import CommandRoute
from showup.web.http.paging import page_response
from showup.web.http.problems import Refusal, found_or_404, problem_examples
from showup.web.http.query_params import SIMULATED, ListQuery, ShortText, WorkspaceQuery, any_of
from showup.web.http.unit_of_work import WriteUnitOfWork

router = APIRouter(prefix="/api/events", tags=["events"], route_class=ApiRoute)
commands = APIRouter(prefix="/api/events", tags=["events"], route_class=CommandRoute)

EventState = Literal[
    "pending", "applied", "ignored", "unreadable", "waiting", "failed", "duplicate", "refused", "erased"
]

_EVENT: Example = {
    "id": EVENT_ID,
    "workspace": "default",
    "simulated": False,
    "account": "default",
    "actor": None,
    "source": "calcom",
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
    "processed_at": "2026-03-10T09:15:00Z",
}
EVENT_DETAIL: Example = _EVENT | {
    "content_type": "application/json",
    "webhook_version": "2021-10-20",
    "source_address": "192.0.2.17",
    "body": '{"triggerEvent": "BOOKING_CREATED", "payload": {}}',
    "body_base64": None,
}


class EventQuery(ListQuery):
    """Filters and paging for inbox events."""

    state: list[EventState] = any_of()
    trigger: list[ShortText] = any_of(
        "Cal.com's webhook name, such as `BOOKING_CREATED`, or a manual event, such as `deal_changed`."
    )
    uid: list[ShortText] = any_of("The Cal.com uid of the event's booking.")
    simulated: SimulatedFilter = Field("all", description=SIMULATED)
    sort: Literal["received_at", "-received_at"] = "-received_at"

    def to_filter(self) -> EventFilter:
        """Return these filters as a `reads` filter."""
        return EventFilter(state=self.state, trigger=self.trigger, uid=self.uid, simulated=self.simulated)


class EventResponse(BaseModel):
    """A webhook as received, or a manual event; `state` is its processing state and `because` the reason.

    For a manual event, `account` is null and `actor` names the user or key.
    """

    id: UUID
    workspace: str | None
    simulated: bool
    account: str | None
    actor: str | None
    source: str = Field(description="Who speaks in the body: `calcom`, `manual` (a person), `resend` or `emailbison`.")
    origin: str = Field(
        description="How it came: `webhook`, `reconcile`, `backfill`, `sample`, `simulation` or `manual` "
        "(a person's command)."
    )
    received_at: datetime
    state: EventState
    because: str | None
    trigger: str | None
    source_at: datetime | None
    booking_id: UUID | None
    duplicate_of: UUID | None
    attempts: int
    next_try_at: datetime | None
    processed_at: datetime | None


class EventDetailResponse(EventResponse):
    """An inbox event with its exact body: as text if it is UTF-8, else in Base64; null for a key of scope read."""

    content_type: str | None
    webhook_version: str | None
    source_address: str | None
    body: str | None
    body_base64: str | None


@router.get(
    "",
    name="list_events",
    response_model=PageResponse[EventResponse],
    responses=ok_response(page_example(_EVENT)) | problem_examples("broken-cursor"),
)
async def get_events(permission: Reader, tx: ReadTransaction, query: Annotated[EventQuery, Query()]) -> Any:
    """List inbox events, latest first.

    Events that are not assigned to a workspace yet are visible only to a key for all workspaces.
    """
    page_request = query.page_request(SORTS)
    return page_response(await list_events(tx, permission, query.to_filter(), page_request), page_request)


@router.get(
    "/{event_id}",
    response_model=EventDetailResponse,
    responses=ok_response(EVENT_DETAIL) | problem_examples("not-found"),
)
async def get_event(
    event_id: UUID, permission: Reader, tx: ReadTransaction, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Get an inbox event; with its body if the key has the scope write, because the body can cancel the meeting."""
    event = found_or_404(await find_event(tx, permission, event_id), "event")
    return with_readable_body(event) if can_see_uids(permission) else event | {"body": None, "body_base64": None}


@router.get(
    "/{event_id}/body",
    response_class=Response,
    responses=ok_response(EVENT_DETAIL["body"], media_type="application/octet-stream") | problem_examples("not-found"),
)
async def get_event_body(
    event_id: UUID, permission: Writer, tx: ReadTransaction, _query: Annotated[WorkspaceQuery, Query()]
) -> Response:
    """Get the exact bytes of an inbox event. Requires the scope write, because the uid in it can cancel the meeting."""
    event = found_or_404(await find_event(tx, permission, event_id), "event")
    # The bytes come from outside: a browser must download them and never render them.
    headers = {"Content-Disposition": f'attachment; filename="{event_id}.bin"'}
    return Response(event["body"], media_type="application/octet-stream", headers=headers)


def with_readable_body(event: Item) -> Item:
    """Return the event with its body as text, or in Base64."""
    body = bytes(event["body"])
    try:
        return event | {"body": body.decode(), "body_base64": None}
    except UnicodeDecodeError:
        return event | {"body": None, "body_base64": base64.b64encode(body).decode()}


@commands.post(
    "/{event_id}/replay",
    response_model=EventDetailResponse,
    responses=ok_response(EVENT_DETAIL | {"state": "pending"}) | problem_examples("not-found", "conflict"),
)
async def replay_event(
    event_id: UUID, unit_of_work: WriteUnitOfWork, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Replay an event that failed, was ignored or could not be read."""
    is_known = await event_exists(unit_of_work.tx, unit_of_work.permission, event_id)
    if is_known and not await requeue_event(unit_of_work.tx, event_id):
        raise Refusal("conflict", "This event can't be replayed. Only a failed, ignored or unreadable event can.")
    return with_readable_body(
        found_or_404(await find_event(unit_of_work.tx, unit_of_work.permission, event_id), "event")
    )
