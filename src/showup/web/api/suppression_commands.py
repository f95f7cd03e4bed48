"""Writing to an address again."""

from typing import Annotated, Any
from uuid import UUID

import structlog
from fastapi import APIRouter, Query

from showup.database.engine import raw
from showup.deliveries.suppressions import remove
from showup.reads.suppressions import find_suppression
from showup.web.acting import WritingHand
from showup.web.api.shapes import shows
from showup.web.api.suppressions import SUPPRESSION, Suppression
from showup.web.command_route import CommandRoute
from showup.web.problems import documented, found_or_refused
from showup.web.questions import Question

router = APIRouter(prefix="/api/suppressions", tags=["suppressions"], route_class=CommandRoute)
_log = structlog.get_logger()


@router.delete("/{suppression_id}", response_model=Suppression, responses=shows(SUPPRESSION) | documented("not-found"))
async def allow_again(suppression_id: UUID, hand: WritingHand, _asked: Annotated[Question, Query()]) -> Any:
    """Let an address be written to again. Answers the suppression that was removed.

    What was skipped because of it stays so. Resend has a list of its own, which this does not change.
    """
    found = found_or_refused(await find_suppression(hand.tx, hand.permit, suppression_id), "suppression")
    await remove(await raw(hand.tx), suppression_id)
    _log.info("suppression removed", suppression_id=str(suppression_id), actor=hand.permit.actor)
    return found
