"""Making two people, or two companies, one; and two again."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, ClassVar
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permit import Permit
from showup.deeds import Kind
from showup.reads.anchors import Anchor, anchor_of_company, anchor_of_gone, anchor_of_person
from showup.reads.merges import find_merge
from showup.sources.hand.command import Merge as MergeCommand
from showup.sources.hand.command import UndoMerge
from showup.web.acting import Hand, WritingHand, named
from showup.web.api.merges import MERGE, Merge
from showup.web.api.shapes import makes, shows
from showup.web.bodies import Body
from showup.web.command_route import CommandRoute
from showup.web.problems import documented, found_or_refused
from showup.web.questions import Question

router = APIRouter(prefix="/api", tags=["merges"], route_class=CommandRoute)

_FindAnchor = Callable[[AsyncConnection, Permit, UUID], Awaitable[Anchor | None]]


class MergeSaid(Body):
    """Which two are one. Whatever belongs to `gone_id` belongs to `stays_id` from now on, and its id leads there."""

    example: ClassVar = {"gone_id": MERGE["gone_id"], "stays_id": MERGE["stays_id"]}

    gone_id: UUID
    stays_id: UUID


@router.post(
    "/people/merge", status_code=201, response_model=Merge, responses=makes(MERGE) | documented("refused-by-rules")
)
async def merge_people(said: MergeSaid, hand: WritingHand, _asked: Annotated[Question, Query()]) -> Any:
    """Make two people one: their bookings, their company and their story."""
    return await _merge(hand, "people", said, anchor_of_person, "person")


@router.post(
    "/companies/merge", status_code=201, response_model=Merge, responses=makes(MERGE) | documented("refused-by-rules")
)
async def merge_companies(said: MergeSaid, hand: WritingHand, _asked: Annotated[Question, Query()]) -> Any:
    """Make two companies one: their people, their bookings and their deals, of which at most one stays active."""
    return await _merge(hand, "companies", said, anchor_of_company, "company")


@router.delete(
    "/merges/{merge_id}",
    response_model=Merge,
    responses=shows(MERGE) | documented("not-found", "refused-by-rules"),
)
async def undo_merge(merge_id: UUID, hand: WritingHand, _asked: Annotated[Question, Query()]) -> Any:
    """Undo a merge: the two are two again, each with what was theirs. Answers the merge that was undone."""
    merge = found_or_refused(await find_merge(hand.tx, hand.permit, merge_id), "merge")
    await hand.does(merge["workspace_id"], UndoMerge(**hand.signed, merge=merge_id))
    return merge


async def _merge(hand: Hand, kind: Kind, said: MergeSaid, find: _FindAnchor, noun: str) -> Any:
    # Whoever is gone already is named as they were: that they are somebody else by now is then refused, in the log.
    found = await anchor_of_gone(hand.tx, hand.permit, kind, said.gone_id) or await find(
        hand.tx, hand.permit, said.gone_id
    )
    gone = named(found, "gone_id", noun)
    stays = named(await find(hand.tx, hand.permit.within(gone.workspace_id), said.stays_id), "stays_id", noun)
    command = MergeCommand(**hand.signed, kind=kind, gone=gone.name, stays=stays.name)
    (event_id,) = await hand.does(gone.workspace_id, command)
    return found_or_refused(await find_merge(hand.tx, hand.permit, event_id), "merge")
