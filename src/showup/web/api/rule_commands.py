"""Commands on rules: change them, or preview the effect of a change."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from showup.database.engine import driver_connection
from showup.events.workspace import RulesChanged
from showup.inbox.rules import in_force
from showup.pipeline.rules import TIMELESS_RULES, Rules, amend_rules
from showup.web.api.rules import RULES, CurrentRules, current_rules
from showup.web.api.schemas import Example, ok_response
from showup.web.command_route import CommandRoute
from showup.web.dry_run import NO_CHANGES, ImpactResponse, track_impact
from showup.web.problems import invalid_field, problem_examples
from showup.web.query_params import WorkspaceQuery
from showup.web.request_fields import DomainName, DurationText, Email, HourOfDay, RequestBody, Since, Stage, WebPage
from showup.web.unit_of_work import AdminUnitOfWork, lock_workspace

router = APIRouter(prefix="/api/rules", tags=["rules"], route_class=CommandRoute)

_MAX_ITEMS: Final = 1_000
_EFFECT: Example = {
    "counts": NO_CHANGES | {"deals": {"added": 0, "removed": 0, "changed": 1}},
    "examples": [
        {
            "noun": "deals",
            "id": "c3a8e7d0-1f2b-5c4d-9e8f-0a1b2c3d4e5f",
            "name": "Acme Corp",
            "change": {"status": ["cancelled", "active"]},
            "words": "deal Acme Corp: status cancelled → active",
        }
    ],
}


class RuleValues(RequestBody):
    """New values of rules; omitted rules keep their values."""

    requires_any = True
    example: ClassVar = {"cancel_deal": "last_meeting"}

    cancel_deal: Literal["always", "last_meeting"] | None = Field(
        None, description="Whether a cancellation cancels a deal that has another upcoming meeting."
    )
    meeting_ended: Literal["showed", "unreported"] | None = Field(
        None, description="Whether a meeting counts as attended at its scheduled end until it is reported."
    )
    stages: list[Stage] | None = Field(
        None, max_length=50, description="A deal's stages in order: `booked` first, `met` among them."
    )
    personal_domains: list[DomainName] | None = Field(None, max_length=_MAX_ITEMS)
    business_domains: list[DomainName] | None = Field(None, max_length=_MAX_ITEMS)
    team_domains: list[DomainName] | None = Field(None, max_length=_MAX_ITEMS)
    team_emails: list[Email] | None = Field(None, max_length=_MAX_ITEMS)
    fresh_for: DurationText | None = Field(None, description="Maximum age of an event that still causes deliveries.")
    remind_before: list[DurationText] | None = Field(None, max_length=20, description="When to send reminders.")
    notify_guests: bool | None = Field(
        None, description="Whether all attendees are notified of a meeting, or only the booker."
    )
    follow_up: bool | None = Field(None, description="Whether people who missed a meeting are offered another.")
    follow_up_after: DurationText | None = Field(
        None, description="Delay after the meeting, or after the no-show was reported."
    )
    follow_up_expires_after: DurationText | None = Field(
        None, description="After this additional time, the follow-up is no longer sent."
    )
    follow_up_quiet_hours: list[HourOfDay] | None = Field(
        None,
        min_length=2,
        max_length=2,
        description="Start and end in the attendee's time zone; nothing is sent between. Equal values: no quiet hours.",
        examples=[["21:00", "08:00"]],
    )
    follow_up_at_most_every: DurationText | None = Field(
        None, description="Minimum time between a person's follow-ups."
    )
    follow_up_rebook_url: WebPage | None = Field(
        None, description="Page to book another time. Empty: the page where the meeting was booked."
    )

    def to_changes(self) -> dict[str, Any]:
        """Return the values as the log stores them: JSON values by rule name."""
        values = {name: getattr(self, name) for name in self.model_fields_set}
        changes: dict[str, Any] = msgspec.to_builtins(values)
        return {name: sorted(set(value)) if name in TIMELESS_RULES else value for name, value in changes.items()}


class ChangeRulesRequest(RequestBody):
    """A change of rules. Domain and address rules always apply to the whole history, whatever `since` is."""

    example: ClassVar = {"changes": RuleValues.example, "since": "always", "dry_run": True}

    changes: RuleValues
    since: Since = "now"
    dry_run: bool = Field(False, description="Preview the effect without saving it.")

    def effective_from(self, now: datetime) -> datetime | None:
        """Return the time from which the rules apply; None for the whole history."""
        match self.since:
            case "now":
                return now
            case "always":
                return None
            case moment:
                return moment


class ChangeRulesResponse(BaseModel):
    """The effect of a rule change; `event_id` is null after a dry run, which saves nothing."""

    workspace: str
    dry_run: bool
    event_id: UUID | None
    rules: CurrentRules
    effect: ImpactResponse


@router.patch(
    "",
    response_model=ChangeRulesResponse,
    responses=ok_response(
        {"workspace": "default", "dry_run": True, "event_id": None, "rules": RULES, "effect": _EFFECT}
    )
    | problem_examples("refused-by-rules"),
)
async def change_rules(
    body: ChangeRulesRequest, unit_of_work: AdminUnitOfWork, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Change rules from now on, from a given time, or for the whole history; or preview the effect."""
    workspace = await lock_workspace(unit_of_work)
    changes = _valid_changes(body)
    event = RulesChanged(changes=changes, since=body.effective_from(unit_of_work.at))
    async with track_impact(unit_of_work, workspace.id, commit=not body.dry_run) as result:
        (event_id,) = await unit_of_work.execute(workspace.id, event)
        rule_book = await in_force(await driver_connection(unit_of_work.tx), workspace.id)
    return {
        "workspace": workspace.slug,
        "dry_run": body.dry_run,
        "event_id": None if body.dry_run else event_id,
        "rules": current_rules(rule_book, unit_of_work.at),
        "effect": result.impact,
    }


def _valid_changes(body: ChangeRulesRequest) -> dict[str, Any]:
    """Return the changes as the log stores them. Refuses inconsistent rules."""
    changes = body.changes.to_changes()
    try:
        amend_rules(Rules(), changes)
    except ValueError as fault:
        raise invalid_field("changes", "body", f"{fault}.") from fault
    return changes
