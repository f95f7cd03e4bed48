"""`/api/rules`: the rules of a workspace's pipeline, and how they came to be."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from showup.database.engine import raw
from showup.inbox.rules import in_force
from showup.pipeline.rules import FACTS, RuleBook
from showup.reads.rules import changes_of_rules
from showup.web.acting import home_of
from showup.web.api.shapes import EVENT_ID, Example, shows
from showup.web.auth import Admin
from showup.web.ground import OnGround, Reading
from showup.web.questions import Question

router = APIRouter(prefix="/api/rules", tags=["rules"])

RULES: Example = {
    "cancel_deal": "always",
    "meeting_ended": "showed",
    "stages": ["booked", "met", "proposal", "negotiation"],
    "personal_domains": [],
    "business_domains": [],
    "team_domains": ["ourbrand.example"],
    "team_emails": [],
    "fresh_for": "P1D",
    "remind_before": ["P3D", "P1D", "PT2H"],
    "tell_guests": False,
    "follow_up": True,
    "follow_up_after": "PT2H",
    "follow_up_expires_after": "P3D",
    "follow_up_quiet_hours": ["21:00", "08:00"],
    "follow_up_at_most_every": "P30D",
    "follow_up_rebook_url": "https://cal.com/ourbrand/intro",
}
_CHANGE: Example = {
    "event_id": EVENT_ID,
    "at": "2026-03-12T16:00:00Z",
    "actor": "key:ops",
    "since": None,
    "changes": {"cancel_deal": "last_meeting"},
}


class RulesInForce(BaseModel):
    """The rules as they are now; spans of time are ISO 8601 durations."""

    cancel_deal: str
    meeting_ended: str
    stages: list[str]
    personal_domains: list[str]
    business_domains: list[str]
    team_domains: list[str]
    team_emails: list[str]
    fresh_for: str
    remind_before: list[str]
    tell_guests: bool = Field(description="Whether all attendees are told of a meeting, and not the booker alone.")
    follow_up: bool = Field(description="Whether who missed a meeting is offered another.")
    follow_up_after: str
    follow_up_expires_after: str
    follow_up_quiet_hours: list[str] = Field(description="From and until, where the attendee is.")
    follow_up_at_most_every: str
    follow_up_rebook_url: str = Field(description="Empty: the page on which the meeting was booked.")


class RulesChange(BaseModel):
    """One change that somebody made; `since` is null where it holds for the whole history."""

    event_id: UUID
    at: datetime
    actor: str
    since: datetime | None
    changes: dict[str, Any]


class RulesOfWorkspace(BaseModel):
    """The rules of a workspace and every change that made them, the latest first."""

    workspace: str
    rules: RulesInForce
    history: list[RulesChange]


@router.get(
    "",
    response_model=RulesOfWorkspace,
    responses=shows({"workspace": "default", "rules": RULES, "history": [_CHANGE]}),
)
async def rules(permit: Admin, tx: Reading, ground: OnGround, _asked: Annotated[Question, Query()]) -> Any:
    """The rules in force in a workspace, and the history of their changes."""
    workspace = await home_of(tx, permit)
    book = await in_force(await raw(tx), workspace.id)
    history = await changes_of_rules(tx, workspace.id)
    return {"workspace": workspace.slug, "rules": shown_rules(book, ground.clock()), "history": history}


def shown_rules(book: RuleBook, now: datetime) -> dict[str, Any]:
    """The rules in force now, in the shape of RulesInForce."""
    rules: dict[str, Any] = msgspec.to_builtins(book.at(now))
    return {name: sorted(value) if name in FACTS else value for name, value in rules.items()}
