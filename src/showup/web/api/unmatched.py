"""`/api/unmatched`: attendees who are matched to no lead, to be linked to one or dismissed by a person."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from showup.campaigns.match import match_id
from showup.commands.unit_of_work import UnitOfWork
from showup.events.booking import AttendeeDismissed, DismissalUndone
from showup.reads.command_targets import BookingTarget, target_of_booking
from showup.reads.matches import find_match
from showup.reads.rows import Item
from showup.reads.unmatched import SORTS, UnmatchedFilter, find_unmatched, list_unmatched
from showup.web.api.matches import LEAD_ID, MATCH, LeadSummary, MatchResponse
from showup.web.api.schemas import (
    BOOKING_ID,
    PERSON,
    Example,
    PageResponse,
    created_response,
    ok_response,
    page_example,
)
from showup.web.http.api_route import ApiRoute
from showup.web.http.app_state import ReadTransaction
from showup.web.http.auth import Reader
from showup.web.http.command_route import CommandRoute
from showup.web.http.paging import page_response
from showup.web.http.problems import found_or_404, invalid_field, problem_examples
from showup.web.http.query_params import ListQuery, WorkspaceQuery, any_of
from showup.web.http.request_fields import RequestBody
from showup.web.http.unit_of_work import WriteUnitOfWork, target_or_404
from showup.web.lead_links import link_event

router = APIRouter(prefix="/api/unmatched", tags=["campaigns"], route_class=ApiRoute)
commands = APIRouter(prefix="/api/unmatched", tags=["campaigns"], route_class=CommandRoute)

UNMATCHED: Example = {
    "id": "0f4b7a63-3b60-4a52-9a0d-6a1f7b8c9d10",
    "workspace": "default",
    "booking_id": BOOKING_ID,
    "attendee": "s.chen@gmail.com",
    "email": "s.chen@gmail.com",
    "phone": None,
    "name": "Sarah Chen",
    "title": "Intro call",
    "start_time": "2026-03-12T15:00:00Z",
    "booked_at": "2026-03-10T09:15:00Z",
    "status": "ACCEPTED",
    "organizer_email": "dana@ourbrand.example",
    "simulated": False,
    "dismissed": False,
    "candidates": [
        {
            "lead": {"id": LEAD_ID, "email": PERSON["email"], "name": PERSON["name"], "company": "Acme Corp"},
            "score": 0.9,
            "evidence": {
                "name": "“Sarah Chen” and “Sarah Chen”: the same name",
                "company": "“Acme” and “Acme Corp”: the same company",
            },
        }
    ],
}


class UnmatchedQuery(ListQuery):
    """Filters and paging for unmatched attendees."""

    dismissed: list[Literal["true", "false"]] = any_of("`true`: those who were dismissed. Default: those who were not.")
    sort: Literal["start_time", "-start_time", "booked_at", "-booked_at"] = "-start_time"

    def to_filter(self) -> UnmatchedFilter:
        """Return these filters as a `reads` filter."""
        wanted = set(self.dismissed or ["false"])
        return UnmatchedFilter(dismissed=None if len(wanted) > 1 else wanted == {"true"})


class CandidateResponse(BaseModel):
    """A lead that the attendee may be, by name and company."""

    lead: LeadSummary
    score: float = Field(description="How probable it is that the attendee is this lead, from 0.01 to 0.96.")
    evidence: dict[str, str] = Field(description="What was compared, and how it compares.")


class UnmatchedResponse(BaseModel):
    """An attendee of a booking that is neither cancelled nor rejected, who is matched to no lead."""

    id: UUID
    workspace: str
    booking_id: UUID
    attendee: str = Field(description="The address, else the phone number, else the name: as in matches.")
    email: str | None
    phone: str | None
    name: str | None
    title: str
    start_time: datetime
    booked_at: datetime
    status: Literal["ACCEPTED", "PENDING"]
    organizer_email: str | None
    simulated: bool
    dismissed: bool
    candidates: list[CandidateResponse] = Field(
        description="Up to five leads, the likeliest first. Leads that a person ruled out are left out."
    )


class LinkRequest(RequestBody):
    """The lead that the attendee is."""

    example: ClassVar = {"lead_id": LEAD_ID}

    lead_id: UUID


@router.get(
    "",
    name="list_unmatched",
    response_model=PageResponse[UnmatchedResponse],
    responses=ok_response(page_example(UNMATCHED)) | problem_examples("broken-cursor"),
)
async def get_unmatched(permission: Reader, tx: ReadTransaction, query: Annotated[UnmatchedQuery, Query()]) -> Any:
    """List attendees who are matched to no lead, latest meeting first, with the leads that they may be."""
    page_request = query.page_request(SORTS)
    return page_response(await list_unmatched(tx, permission, query.to_filter(), page_request), page_request)


@commands.post(
    "/{unmatched_id}/link",
    status_code=201,
    response_model=MatchResponse,
    responses=created_response(MATCH) | problem_examples("not-found", "refused-by-rules"),
)
async def link_lead(
    unmatched_id: UUID, body: LinkRequest, unit_of_work: WriteUnitOfWork, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Match an attendee to a lead by hand. `DELETE /api/matches/{id}` undoes it."""
    unmatched, booking = await _find(unit_of_work, unmatched_id)
    event = await link_event(unit_of_work, booking, unmatched, body.lead_id)
    if event is None:
        raise invalid_field("lead_id", "body", "The workspace has no lead with this id.")
    await unit_of_work.execute(booking.workspace_id, event)
    made = match_id(booking.id, unmatched["attendee"], event.lead)
    permission = unit_of_work.permission.limited_to(booking.workspace_id)
    return found_or_404(await find_match(unit_of_work.tx, permission, made), "match")


@commands.post(
    "/{unmatched_id}/dismiss",
    response_model=UnmatchedResponse,
    responses=ok_response(UNMATCHED | {"dismissed": True}) | problem_examples("not-found", "refused-by-rules"),
)
async def dismiss_unmatched(
    unmatched_id: UUID, unit_of_work: WriteUnitOfWork, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Dismiss an attendee from the review. A lead with the same address still matches."""
    unmatched, booking = await _find(unit_of_work, unmatched_id)
    event = AttendeeDismissed(subject=booking.name, attendee=unmatched["attendee"])
    await unit_of_work.execute(booking.workspace_id, event)
    return unmatched | {"dismissed": True}


@commands.post(
    "/{unmatched_id}/restore",
    response_model=UnmatchedResponse,
    responses=ok_response(UNMATCHED) | problem_examples("not-found", "refused-by-rules"),
)
async def restore_unmatched(
    unmatched_id: UUID, unit_of_work: WriteUnitOfWork, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Undo a dismissal: the attendee is to be reviewed again."""
    unmatched, booking = await _find(unit_of_work, unmatched_id)
    await unit_of_work.execute(
        booking.workspace_id, DismissalUndone(subject=booking.name, attendee=unmatched["attendee"])
    )
    return unmatched | {"dismissed": False}


async def _find(unit_of_work: UnitOfWork, unmatched_id: UUID) -> tuple[Item, BookingTarget]:
    unmatched = found_or_404(
        await find_unmatched(unit_of_work.tx, unit_of_work.permission, unmatched_id), "unmatched attendee"
    )
    permission = unit_of_work.permission.limited_to(unmatched["workspace_id"])
    return unmatched, target_or_404(
        await target_of_booking(unit_of_work.tx, permission, unmatched["booking_id"]), "booking"
    )
