"""`/api/rules`: a workspace's pipeline rules and the history of their changes."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from showup.database.engine import driver_connection
from showup.inbox.rules import in_force
from showup.pipeline.rules import TIMELESS_RULES, RuleBook
from showup.reads.rules import list_rule_changes
from showup.web.api.schemas import EVENT_ID, Example, ok_response
from showup.web.app_state import ReadTransaction, State
from showup.web.auth import Admin
from showup.web.query_params import WorkspaceQuery
from showup.web.unit_of_work import resolve_workspace

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
    "notify_guests": False,
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


class CurrentRules(BaseModel):
    """The current rules; durations are ISO 8601 durations."""

    cancel_deal: str
    meeting_ended: str
    stages: list[str]
    personal_domains: list[str]
    business_domains: list[str]
    team_domains: list[str]
    team_emails: list[str]
    fresh_for: str
    remind_before: list[str]
    notify_guests: bool = Field(description="Whether all attendees are notified of a meeting, or only the booker.")
    follow_up: bool = Field(description="Whether people who missed a meeting are offered another.")
    follow_up_after: str
    follow_up_expires_after: str
    follow_up_quiet_hours: list[str] = Field(description="Start and end, in the attendee's time zone.")
    follow_up_at_most_every: str
    follow_up_rebook_url: str = Field(description="Empty: the page where the meeting was booked.")


class RuleChangeEntry(BaseModel):
    """A rule change; `since` is null if it applies to the whole history."""

    event_id: UUID
    at: datetime
    actor: str
    since: datetime | None
    changes: dict[str, Any]


class RulesResponse(BaseModel):
    """The rules of a workspace and all their changes, latest first."""

    workspace: str
    rules: CurrentRules
    history: list[RuleChangeEntry]


@router.get(
    "",
    response_model=RulesResponse,
    responses=ok_response({"workspace": "default", "rules": RULES, "history": [_CHANGE]}),
)
async def get_rules(
    permission: Admin, tx: ReadTransaction, state: State, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Get the current rules of a workspace and the history of their changes."""
    workspace = await resolve_workspace(tx, permission)
    rule_book = await in_force(await driver_connection(tx), workspace.id)
    history = await list_rule_changes(tx, workspace.id)
    return {"workspace": workspace.slug, "rules": current_rules(rule_book, state.clock()), "history": history}


def current_rules(rule_book: RuleBook, now: datetime) -> dict[str, Any]:
    """Return the current rules in the shape of `CurrentRules`."""
    rules: dict[str, Any] = msgspec.to_builtins(rule_book.at(now))
    return {name: sorted(value) if name in TIMELESS_RULES else value for name, value in rules.items()}
