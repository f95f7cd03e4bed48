"""`/api/rules`: a workspace's pipeline rules and the history of their changes."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, get_args, get_origin
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query
from msgspec.structs import FieldInfo, fields
from pydantic import BaseModel, Field

from showup.database.engine import driver_connection
from showup.inbox.rules import in_force
from showup.pipeline.rules import ADDRESS_RULES, RuleBook, Rules
from showup.reads.rules import list_rule_changes
from showup.values.struct_fields import field_type, model_field, with_fields
from showup.web.api.schemas import EVENT_ID, Example, ok_response
from showup.web.dry_run import NO_CHANGES, ImpactResponse
from showup.web.http.api_route import ApiRoute
from showup.web.http.app_state import ReadTransaction, State
from showup.web.http.auth import Admin
from showup.web.http.command_route import CommandRoute
from showup.web.http.problems import problem_examples
from showup.web.http.query_params import WorkspaceQuery
from showup.web.http.request_fields import RequestBody, Since
from showup.web.http.unit_of_work import AdminUnitOfWork, lock_workspace, resolve_workspace
from showup.web.rule_changes import change_rules

router = APIRouter(prefix="/api/rules", tags=["rules"], route_class=ApiRoute)
commands = APIRouter(prefix="/api/rules", tags=["rules"], route_class=CommandRoute)

RULES: Example = {
    "cancel_deal": "always",
    "meeting_ended": "showed",
    "stages": ["booked", "met", "proposal", "negotiation"],
    "personal_domains": [],
    "business_domains": [],
    "team_domains": ["ourbrand.example"],
    "team_emails": [],
    "hosts_domains_are_ours": True,
    "ask_for_outcome": True,
    "fresh_for": "P1D",
    "remind_before": ["P3D", "P1D", "PT2H"],
    "notify_guests": False,
    "confirm_series": "once",
    "series_wait": "PT3S",
    "mails_off": [],
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


def _response_field(rule: FieldInfo) -> tuple[Any, Any]:
    """Return a rule's field in a response: the JSON value as it is stored."""
    kind = field_type(rule)
    is_array = isinstance(rule.default, (tuple, frozenset))
    return model_field(rule, list[str] if is_array else bool if kind is bool else str, ...)


def _request_field(rule: FieldInfo) -> tuple[Any, Any]:
    """Return a rule's field in a request: optional, and with an array for a tuple or a set."""
    return model_field(rule, _json_type(field_type(rule)) | None, None)


def _json_type(kind: Any) -> Any:
    if get_origin(kind) is Annotated:
        inner, *validators = get_args(kind)
        return Annotated[_json_type(inner), *validators]
    if get_origin(kind) not in (tuple, frozenset):
        return kind
    items = get_args(kind)
    array: Any = list
    if get_origin(kind) is frozenset or items[-1] is ...:
        return array[items[0]]
    return Annotated[array[items[0]], Field(min_length=len(items), max_length=len(items))]


@with_fields({rule.name: _response_field(rule) for rule in fields(Rules)})
class CurrentRules(BaseModel):
    """The current rules; durations are ISO 8601 durations."""


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
    return {name: sorted(value) if name in ADDRESS_RULES else value for name, value in rules.items()}


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


@with_fields({rule.name: _request_field(rule) for rule in fields(Rules)})
class RuleValues(RequestBody):
    """New values of rules; omitted rules keep their values."""

    requires_any = True
    example: ClassVar = {"cancel_deal": "last_meeting"}

    def to_changes(self) -> dict[str, Any]:
        """Return the values as the log stores them: JSON values by rule name."""
        values = {name: getattr(self, name) for name in self.model_fields_set}
        changes: dict[str, Any] = msgspec.to_builtins(values)
        return {name: sorted(set(value)) if name in ADDRESS_RULES else value for name, value in changes.items()}


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


@commands.patch(
    "",
    response_model=ChangeRulesResponse,
    responses=ok_response(
        {"workspace": "default", "dry_run": True, "event_id": None, "rules": RULES, "effect": _EFFECT}
    )
    | problem_examples("refused-by-rules"),
)
async def update_rules(
    body: ChangeRulesRequest, unit_of_work: AdminUnitOfWork, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Change rules from now on, from a given time, or for the whole history; or preview the effect."""
    workspace = await lock_workspace(unit_of_work)
    changes, since = body.changes.to_changes(), body.effective_from(unit_of_work.at)
    result = await change_rules(unit_of_work, workspace.id, changes, since, commit=not body.dry_run)
    return {
        "workspace": workspace.slug,
        "dry_run": body.dry_run,
        "event_id": None if body.dry_run else result.event_id,
        "rules": current_rules(result.rule_book, unit_of_work.at),
        "effect": result.effect.impact,
    }
