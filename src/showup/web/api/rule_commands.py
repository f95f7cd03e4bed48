"""Changing rules, and seeing first what a change would do to what stands."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from showup.database.engine import raw
from showup.inbox.rules import in_force
from showup.pipeline.rules import FACTS, Rules, amended
from showup.sources.hand.command import ChangeRules
from showup.web.acting import AdminHand
from showup.web.api.rules import RULES, RulesInForce, shown_rules
from showup.web.api.shapes import Example, shows
from showup.web.bodies import Body, DomainName, Email, HourOfDay, Since, Span, Stage, WebPage
from showup.web.command_route import CommandRoute
from showup.web.problems import documented, refused_field
from showup.web.questions import Question
from showup.web.trying import NOTHING, Consequence, effect_of

router = APIRouter(prefix="/api/rules", tags=["rules"], route_class=CommandRoute)

_LISTED_AT_MOST: Final = 1_000
_EFFECT: Example = {
    "counts": NOTHING | {"deals": {"added": 0, "removed": 0, "changed": 1}},
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


class RulesSaid(Body):
    """New values of rules; what is left out stays as it is."""

    needs_any = True
    example: ClassVar = {"cancel_deal": "last_meeting"}

    cancel_deal: Literal["always", "last_meeting"] | None = Field(
        None, description="Whether a cancellation cancels the deal though another meeting of it is ahead."
    )
    meeting_ended: Literal["showed", "unreported"] | None = Field(
        None, description="Whether a meeting counts as attended at its scheduled end, until somebody says otherwise."
    )
    stages: list[Stage] | None = Field(
        None, max_length=50, description="How far a deal can come, in order: `booked` first, `met` among them."
    )
    personal_domains: list[DomainName] | None = Field(None, max_length=_LISTED_AT_MOST)
    business_domains: list[DomainName] | None = Field(None, max_length=_LISTED_AT_MOST)
    team_domains: list[DomainName] | None = Field(None, max_length=_LISTED_AT_MOST)
    team_emails: list[Email] | None = Field(None, max_length=_LISTED_AT_MOST)
    fresh_for: Span | None = Field(None, description="How old news may be and still be told to the outside.")
    remind_before: list[Span] | None = Field(None, max_length=20, description="Reminders, before the meeting.")
    tell_guests: bool | None = Field(
        None, description="Whether all attendees are told of a meeting, and not the booker alone."
    )
    follow_up: bool | None = Field(None, description="Whether who missed a meeting is offered another.")
    follow_up_after: Span | None = Field(
        None, description="How long after the meeting, or after we heard that it was missed."
    )
    follow_up_expires_after: Span | None = Field(
        None, description="How much later than that after the meeting it may be sent at most."
    )
    follow_up_quiet_hours: list[HourOfDay] | None = Field(
        None,
        min_length=2,
        max_length=2,
        description="From and until, where the attendee is: nothing is sent then. The same twice: at any hour.",
        examples=[["21:00", "08:00"]],
    )
    follow_up_at_most_every: Span | None = Field(None, description="One to a person in that span.")
    follow_up_rebook_url: WebPage | None = Field(
        None, description="Where they find another time. Empty: on the page on which the meeting was booked."
    )

    def changes(self) -> dict[str, Any]:
        """The same as the log has it: by name, values that are JSON."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        changes: dict[str, Any] = msgspec.to_builtins(given)
        return {name: sorted(set(value)) if name in FACTS else value for name, value in changes.items()}


class RulesChanges(Body):
    """A change of rules. What domains and addresses are holds for all time, whatever `since` says."""

    example: ClassVar = {"changes": RulesSaid.example, "since": "always", "dry_run": True}

    changes: RulesSaid
    since: Since = "now"
    dry_run: bool = Field(False, description="Only tell what the change would do.")

    def start(self, now: datetime) -> datetime | None:
        """From when on they hold; None: in the whole history."""
        match self.since:
            case "now":
                return now
            case "always":
                return None
            case moment:
                return moment


class RulesTried(BaseModel):
    """What a change of rules did, or would do; `event_id` is null after a dry run, which leaves nothing behind."""

    workspace: str
    dry_run: bool
    event_id: UUID | None
    rules: RulesInForce
    effect: Consequence


@router.patch(
    "",
    response_model=RulesTried,
    responses=shows({"workspace": "default", "dry_run": True, "event_id": None, "rules": RULES, "effect": _EFFECT})
    | documented("refused-by-rules"),
)
async def change_rules(said: RulesChanges, hand: AdminHand, _asked: Annotated[Question, Query()]) -> Any:
    """Change rules from now on, from a moment on, or in the whole history; or only tell what that would do."""
    workspace = await hand.home()
    changes = _sound(said)
    command = ChangeRules(**hand.signed, changes=changes, since=said.start(hand.at))
    async with effect_of(hand, workspace.id, keep=not said.dry_run) as seen:
        (event_id,) = await hand.does(workspace.id, command)
        book = await in_force(await raw(hand.tx), workspace.id)
    return {
        "workspace": workspace.slug,
        "dry_run": said.dry_run,
        "event_id": None if said.dry_run else event_id,
        "rules": shown_rules(book, hand.at),
        "effect": seen.effect,
    }


def _sound(said: RulesChanges) -> dict[str, Any]:
    """The changes as the log has them. Refuses rules that make no sense."""
    changes = said.changes.changes()
    try:
        amended(Rules(), changes)
    except ValueError as fault:
        raise refused_field("changes", "body", f"{fault}.") from fault
    return changes
