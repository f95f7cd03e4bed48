"""`/settings/rules`, `reminders`, `outcome` and `domains`: a change of rules is tried on the history, then saved."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from msgspec import Struct
from msgspec.structs import replace

from showup.access.teammate import Session
from showup.commands.unit_of_work import CommandRefused, UnitOfWork
from showup.pipeline.rules import Rules
from showup.web.dashboard.page_route import DashboardRoute, redirect
from showup.web.dashboard.settings.frame import render_settings
from showup.web.dashboard.settings.overtaken import Overtaken
from showup.web.dashboard.settings.rule_effect import RuleEffect, describe_effect
from showup.web.dashboard.settings.rule_forms import (
    arrange_stages,
    form_values,
    mail_kinds,
    parse_rules,
    say_value,
    stored_value,
)
from showup.web.dashboard.settings.rule_groups import RULE_PAGES, STAGE_WORDS, RuleGroup
from showup.web.dashboard.settings.rule_history import RuleHistory, load_history
from showup.web.dashboard.unit_of_work import unit_of_work_of
from showup.web.dashboard.words import sentence
from showup.web.http.app_state import AppState, State, write_transaction
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedInAdmin, check_csrf
from showup.web.rule_changes import change_rules

router = APIRouter(prefix="/settings", include_in_schema=False, route_class=DashboardRoute)

LEADS: Final = {
    "rules": "How bookings move deals. A change is tried on your history first; nothing happens until you save it.",
    "reminders": "When attendees hear of their meeting. A change is tried on the planned messages first.",
    "outcome": "What happens after a meeting: who is asked how it went, and what people who missed it get.",
    "domains": "Who is a company, and who is your own team. A change is tried on your history first.",
}


class Tried(Struct, frozen=True, kw_only=True):
    """What a teammate did with one group: what they entered, and what is wrong with it or would come of it.

    `is_same`: they entered what holds already. `conflict`: what somebody else saved meanwhile.
    """

    group: str
    values: Mapping[str, str]
    faults: Mapping[str, str] = {}
    effect: RuleEffect | None = None
    conflict: Overtaken | None = None
    is_same: bool = False
    is_saved: bool = False

    @property
    def status(self) -> int:
        """Return the status of the page."""
        return 422 if self.faults else 409 if self.conflict else 200


@router.get("/rules")
async def rules_page(request: Request, session: SignedInAdmin, state: State, saved: str = "") -> Response:
    """Show how bookings move deals."""
    return await _page(request, session, state, "rules", saved=saved)


@router.get("/reminders")
async def reminders_page(request: Request, session: SignedInAdmin, state: State, saved: str = "") -> Response:
    """Show when attendees are reminded, and which mails go out."""
    return await _page(request, session, state, "reminders", saved=saved)


@router.get("/outcome")
async def outcome_page(request: Request, session: SignedInAdmin, state: State, saved: str = "") -> Response:
    """Show what happens after a meeting."""
    return await _page(request, session, state, "outcome", saved=saved)


@router.get("/domains")
async def domains_page(request: Request, session: SignedInAdmin, state: State, saved: str = "") -> Response:
    """Show which domains are companies, personal, or the team's."""
    return await _page(request, session, state, "domains", saved=saved)


@router.post("/rules")
async def save_rules(request: Request, session: SignedInAdmin, state: State) -> Response:
    """Try or save a group of rules."""
    return await _change(request, session, state, "rules")


@router.post("/reminders")
async def save_reminders(request: Request, session: SignedInAdmin, state: State) -> Response:
    """Try or save when attendees are reminded, or which mails go out."""
    return await _change(request, session, state, "reminders")


@router.post("/outcome")
async def save_outcome(request: Request, session: SignedInAdmin, state: State) -> Response:
    """Try or save what happens after a meeting."""
    return await _change(request, session, state, "outcome")


@router.post("/domains")
async def save_domains(request: Request, session: SignedInAdmin, state: State) -> Response:
    """Try or save which domains are companies, personal, or the team's."""
    return await _change(request, session, state, "domains")


async def _change(request: Request, session: Session, state: AppState, path: str) -> Response:
    form = arrange_stages(await read_form(request))
    check_csrf(request, session, form)
    group = next((one for one in RULE_PAGES[path] if one.name == form.get("group")), None)
    if group is None:
        raise Refusal("invalid", "The form names no rules of this page.")
    async with write_transaction(state) as tx:
        unit_of_work = unit_of_work_of(session, state, tx)
        await unit_of_work.lock(session.workspace.id)
        history = await load_history(tx, session.workspace.id)
        match form.get("do"):
            case "undo":
                tried = await _undo(unit_of_work, session, history, group, form)
            case "save":
                tried = await _save(unit_of_work, session, history, group, form)
            case _:
                tried = await _try(unit_of_work, session, history.rules, group, form)
    if tried.is_saved:
        return redirect(request, f"settings/{path}?saved={group.name}")
    return await _page(request, session, state, path, tried=tried)


async def _try(
    unit_of_work: UnitOfWork,
    session: Session,
    rules: Rules,
    group: RuleGroup,
    form: Mapping[str, str],
    conflict: Overtaken | None = None,
) -> Tried:
    """Try the form's rules on the whole history, and take it back."""
    changes, faults = parse_rules(group, form, rules)
    tried = Tried(group=group.name, values=form, faults=faults, is_same=not changes, conflict=conflict)
    if faults or not changes:
        return tried
    return await _execute(unit_of_work, session, tried, group, changes, None, commit=False)


async def _save(
    unit_of_work: UnitOfWork, session: Session, history: RuleHistory, group: RuleGroup, form: Mapping[str, str]
) -> Tried:
    """Save the form's rules; if somebody changed the same meanwhile, save nothing, and say so."""
    changes, faults = parse_rules(group, form, history.rules)
    # A form that comes twice is saved already.
    tried = Tried(group=group.name, values=form, faults=faults, is_saved=not faults and not changes)
    if faults or not changes:
        return tried
    if (conflict := history.overtaken(group, form.get("seen", ""))) is not None:
        return await _try(unit_of_work, session, history.rules, group, form, conflict)
    is_always = group.is_timeless or form.get("since") != "now"
    since = None if is_always else unit_of_work.at
    return await _execute(unit_of_work, session, tried, group, changes, since, commit=True)


async def _undo(
    unit_of_work: UnitOfWork, session: Session, history: RuleHistory, group: RuleGroup, form: Mapping[str, str]
) -> Tried:
    """Give the rules of the group's newest change the values that they had before it, for the same time."""
    newest = history.newest(group)
    if newest is None or str(newest.event_id) != form.get("event"):
        raise Refusal("conflict", "The rules were changed again since. Load the page to see how they are now.")
    before = history.before(newest)
    changes = {name: stored_value(before, name) for name in newest.changes}
    tried = Tried(group=group.name, values={})
    return await _execute(unit_of_work, session, tried, group, changes, newest.since, commit=True)


async def _execute(  # one step of each of the three above
    unit_of_work: UnitOfWork,
    session: Session,
    tried: Tried,
    group: RuleGroup,
    changes: dict[str, Any],
    since: datetime | None,
    *,
    commit: bool,
) -> Tried:
    try:
        result = await change_rules(unit_of_work, session.workspace.id, changes, since, commit=commit)
    except CommandRefused as refused:
        # The log keeps the refusal, so the transaction is committed.
        because = f"{sentence(refused.because).rstrip('.')}."
        return replace(tried, faults={group.fields[0].rule: because})
    effect = describe_effect(result.effect.found, result.effect.totals)
    return replace(tried, effect=effect, is_saved=commit)


async def _page(  # each by its name
    request: Request,
    session: Session,
    state: AppState,
    path: str,
    *,
    tried: Tried | None = None,
    saved: str = "",
) -> Response:
    async with state.read_engine.connect() as tx:
        history = await load_history(tx, session.workspace.id)
        rules = history.rules
        context = {
            "lead": LEADS[path],
            "path": path,
            "rule_groups": RULE_PAGES[path],
            "current": {one.name: form_values(one, rules) for one in RULE_PAGES[path]},
            "newest": {one.name: history.newest(one) for one in RULE_PAGES[path]},
            "was": {one.name: _was(history, one) for one in RULE_PAGES[path]},
            "kinds": mail_kinds(rules.mails_off),
            "stage_words": STAGE_WORDS,
            "tried": tried,
            "saved": saved,
        }
        status = 200 if tried is None else tried.status
        return await render_settings(
            request,
            path,
            context,
            tx=tx,
            session=session,
            state=state,
            template="settings/rules.html",
            status=status,
        )


def _was(history: RuleHistory, group: RuleGroup) -> str:
    """Return the current answer of a group with one field, for "was … since …"; empty for more."""
    if len(group.fields) != 1:
        return ""
    rule = group.fields[0].rule
    return say_value(rule, stored_value(history.rules, rule))
