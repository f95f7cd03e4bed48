"""Commands on inbox events: replay them."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from showup.inbox.replay import replay_event as requeue_event
from showup.reads.events import event_exists, find_event
from showup.web.api.events import EVENT_DETAIL, EventDetailResponse, with_readable_body
from showup.web.api.schemas import ok_response
from showup.web.command_route import CommandRoute
from showup.web.problems import Refusal, found_or_404, problem_examples
from showup.web.query_params import WorkspaceQuery
from showup.web.unit_of_work import WriteUnitOfWork

router = APIRouter(prefix="/api/events", tags=["events"], route_class=CommandRoute)


@router.post(
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
