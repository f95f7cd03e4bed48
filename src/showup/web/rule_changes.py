"""Changes a workspace's rules, or tries a change on its history: for the API and for the pages of settings."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from showup.commands.unit_of_work import CommandRefused, UnitOfWork
from showup.events.workspace import RulesChanged
from showup.inbox.rules import in_force, stages_in_use
from showup.pipeline.rules import RuleBook
from showup.web.dry_run import ImpactResult, track_impact


class ChangedRules(Struct, frozen=True, kw_only=True):
    """The event of a change, the rules with it, and what it changes."""

    event_id: UUID
    rule_book: RuleBook
    effect: ImpactResult


async def change_rules(
    unit_of_work: UnitOfWork, workspace_id: UUID, changes: dict[str, Any], since: datetime | None, *, commit: bool
) -> ChangedRules:
    """Change the rules and return the effect; without `commit`, everything is taken back.

    The caller holds the workspace's lock. `since` of None: for the whole history. Raises CommandRefused.
    """
    connection = await unit_of_work.connection()
    if "stages" in changes and (because := await stages_in_use(connection, workspace_id, changes["stages"])):
        raise CommandRefused(because)
    async with track_impact(unit_of_work, workspace_id, commit=commit) as effect:
        (event_id,) = await unit_of_work.execute(workspace_id, RulesChanged(changes=changes, since=since))
        rule_book = await in_force(connection, workspace_id)
    return ChangedRules(event_id=event_id, rule_book=rule_book, effect=effect)
