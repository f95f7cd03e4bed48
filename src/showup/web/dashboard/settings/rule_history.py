"""The changes of a group of rules over time: the newest, what somebody changed meanwhile, and how to undo one."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.database.engine import driver_connection
from showup.inbox.rules import amendments
from showup.pipeline.rules import Amendment, Rules, rule_book
from showup.reads.rules import list_rule_changes
from showup.web.dashboard.settings.overtaken import Overtaken, overtaken_by
from showup.web.dashboard.settings.rule_forms import say_value, stored_value
from showup.web.dashboard.settings.rule_groups import LABELS, RuleGroup


class RuleChange(Struct, frozen=True, kw_only=True):
    """One change of rules; `since` of None: it holds for the whole history."""

    event_id: UUID
    at: datetime
    actor: str
    since: datetime | None
    changes: Mapping[str, Any]


class RuleHistory(Struct, frozen=True, kw_only=True):
    """A workspace's changes of rules, latest first, and as the rules read them, oldest first."""

    changes: Sequence[RuleChange]
    amendments: Sequence[Amendment]

    @property
    def rules(self) -> Rules:
        """Return the current rules."""
        return rule_book(self.amendments).newest

    def newest(self, group: RuleGroup) -> RuleChange | None:
        """Return the newest change of the group."""
        names = {one.rule for one in group.fields}
        return next((one for one in self.changes if names & one.changes.keys()), None)

    def before(self, change: RuleChange) -> Rules:
        """Return the rules as they were before this change and all later ones."""
        newer = self.changes.index(change) + 1
        return rule_book(self.amendments[: len(self.amendments) - newer]).newest

    def overtaken(self, group: RuleGroup, seen: str) -> Overtaken | None:
        """Return what changed in the group since the change that a form showed as its newest; None if nothing did."""
        newest = self.newest(group)
        if newest is None or str(newest.event_id) == seen:
            return None
        shown = next((one for one in self.changes if str(one.event_id) == seen), None)
        newer = self.changes[: None if shown is None else self.changes.index(shown)]
        was, now = self.before(newer[-1]), self.rules
        fields = {
            one.rule: [say_value(one.rule, stored_value(rules, one.rule)) for rules in (was, now)]
            for one in group.fields
            if getattr(was, one.rule) != getattr(now, one.rule)
        }
        return overtaken_by(newest.actor, newest.at, fields, LABELS) if fields else None


async def load_history(tx: AsyncConnection, workspace_id: UUID) -> RuleHistory:
    """Return the changes of a workspace's rules."""
    changes = [RuleChange(**row) for row in await list_rule_changes(tx, workspace_id)]
    return RuleHistory(changes=changes, amendments=await amendments(await driver_connection(tx), workspace_id))
