"""Running raw events again."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from showup.inbox.replay import replay as run_again
from showup.reads.events import event_exists, find_event
from showup.web.acting import WritingHand
from showup.web.api.events import EVENT_DETAIL, RawEventDetail, readable
from showup.web.api.shapes import shows
from showup.web.command_route import CommandRoute
from showup.web.problems import Refusal, documented, found_or_refused
from showup.web.questions import Question

router = APIRouter(prefix="/api/events", tags=["events"], route_class=CommandRoute)


@router.post(
    "/{event_id}/replay",
    response_model=RawEventDetail,
    responses=shows(EVENT_DETAIL | {"state": "kept"}) | documented("not-found", "conflict"),
)
async def replay(event_id: UUID, hand: WritingHand, _asked: Annotated[Question, Query()]) -> Any:
    """Hand an event that failed, was ignored or could not be read to the pipeline once more."""
    known = await event_exists(hand.tx, hand.permit, event_id)
    if known and not await run_again(hand.tx, event_id):
        raise Refusal("conflict", "There is nothing to run again: only a failed, ignored or unreadable event is.")
    return readable(found_or_refused(await find_event(hand.tx, hand.permit, event_id), "event"))
