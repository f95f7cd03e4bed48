"""`/api/matches`: which lead of which campaign an attendee of a booking is."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from showup.campaigns.campaign import CampaignSource
from showup.campaigns.match import Method
from showup.events.booking import MatchUndone
from showup.reads.command_targets import target_of_booking
from showup.reads.matches import find_match
from showup.web.api.schemas import BOOKING_ID, PERSON, Example, ok_response
from showup.web.http.command_route import CommandRoute
from showup.web.http.problems import found_or_404, problem_examples
from showup.web.http.query_params import WorkspaceQuery
from showup.web.http.unit_of_work import WriteUnitOfWork, target_or_404

commands = APIRouter(prefix="/api/matches", tags=["campaigns"], route_class=CommandRoute)

LEAD_ID = "6d1f5f0e-6b0c-5c83-9a55-0d7f1f6f2b11"
CAMPAIGN: Example = {"id": 1_000_000_000, "name": "Founders NL", "source": "csv"}
MATCH: Example = {
    "id": "4c1f6a52-55aa-5d3e-8f0d-3c5b8f1e9a77",
    "booking_id": BOOKING_ID,
    "attendee": PERSON["email"],
    "lead": {"id": LEAD_ID, "email": PERSON["email"], "name": PERSON["name"], "company": "Acme Corp"},
    "campaign": CAMPAIGN,
    "method": "email",
    "score": 1.0,
    "evidence": {
        "address": f"{PERSON['email']} is the lead's address",
        "campaign": "Founders NL found the lead interested on 2026-03-09, before the booking",
    },
    "actor": "showup",
    "at": "2026-03-10T09:15:00Z",
}


class CampaignSummary(BaseModel):
    """A short form of a campaign, used inside other resources."""

    id: int = Field(description="The campaign's number: EmailBison's own, or one that Showup gave it.")
    name: str
    source: CampaignSource


class LeadSummary(BaseModel):
    """A short form of a lead, used inside other resources."""

    id: UUID
    email: str
    name: str | None
    company: str | None


class MatchResponse(BaseModel):
    """An attendee of a booking is a lead of a campaign.

    `attendee` is their address in the booking, else the phone number, else the name.
    """

    id: UUID
    booking_id: UUID
    attendee: str
    lead: LeadSummary
    campaign: CampaignSummary
    method: Method = Field(description="How the lead was found; docs/LEADS.md describes each method.")
    score: float = Field(description="How sure the match is, from 0 to 1.")
    evidence: dict[str, str] = Field(description="What was compared, and why this campaign.")
    actor: str
    at: datetime


@commands.delete(
    "/{match_id}",
    response_model=MatchResponse,
    responses=ok_response(MATCH) | problem_examples("not-found", "refused-by-rules"),
)
async def undo_match(match_id: UUID, unit_of_work: WriteUnitOfWork, _query: Annotated[WorkspaceQuery, Query()]) -> Any:
    """Undo a match and return it. Showup does not match this attendee to this lead again by itself."""
    match = found_or_404(await find_match(unit_of_work.tx, unit_of_work.permission, match_id), "match")
    permission = unit_of_work.permission.limited_to(match["workspace_id"])
    booking = target_or_404(await target_of_booking(unit_of_work.tx, permission, match["booking_id"]), "booking")
    event = MatchUndone(subject=booking.name, attendee=match["attendee"], lead=match["lead"]["email"])
    await unit_of_work.execute(booking.workspace_id, event)
    return match
