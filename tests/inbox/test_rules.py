"""The rules of a workspace: the log contains each change, and a sync of showup.toml adds only new values."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from showup.commands.execute import CommandResult
from showup.commands.sync_rules import sync_new_workspace, sync_rules
from showup.database.engine import driver_connection, transaction
from showup.events.workspace import RulesChanged
from showup.inbox import rules
from showup.pipeline.rules import RuleBook, Rules
from tests.execute import execute
from tests.histories.table_contents import new_account

NOW = datetime(2026, 9, 7, 9, tzinfo=UTC)
LATER = NOW + timedelta(days=3)
CUSTOM_RULES = Rules(
    cancel_deal="last_meeting", team_domains=frozenset({"brand.example"}), remind_before=(timedelta(hours=1),)
)


async def sync_file(engine: AsyncEngine, workspace: UUID, policy: Rules, now: datetime = NOW) -> None:
    async with transaction(engine) as tx:
        await sync_rules(await driver_connection(tx), workspace, policy, now)


async def change_rules(engine: AsyncEngine, workspace: UUID, since: datetime | None, **changes: Any) -> CommandResult:
    return await execute(engine, workspace, RulesChanged(changes=changes, since=since), at=since or NOW)


async def in_force(engine: AsyncEngine, workspace: UUID) -> RuleBook:
    async with transaction(engine) as tx:
        return await rules.in_force(await driver_connection(tx), workspace)


async def count_amendments(engine: AsyncEngine, workspace: UUID) -> int:
    async with transaction(engine) as tx:
        return len(await rules.amendments(await driver_connection(tx), workspace))


async def test_defaults_apply_without_changes(engine: AsyncEngine, workspace: UUID) -> None:
    assert (await in_force(engine, workspace)).newest == Rules()


async def test_the_first_file_applies_to_all_history_and_is_idempotent(engine: AsyncEngine, workspace: UUID) -> None:
    await sync_file(engine, workspace, CUSTOM_RULES)
    await sync_file(engine, workspace, CUSTOM_RULES, LATER)
    assert (await in_force(engine, workspace)).at(NOW - timedelta(days=900)) == CUSTOM_RULES
    assert await count_amendments(engine, workspace) == 1


async def test_a_change_of_the_file_applies_from_then_on(engine: AsyncEngine, workspace: UUID) -> None:
    await sync_file(engine, workspace, Rules())
    await sync_file(engine, workspace, Rules(meeting_ended="unreported"))
    await sync_file(engine, workspace, Rules(meeting_ended="showed"), LATER)
    book = await in_force(engine, workspace)
    values = [book.at(moment).meeting_ended for moment in (NOW, LATER - timedelta(seconds=1), LATER)]
    assert values == ["unreported", "unreported", "showed"]


async def test_a_manual_change_survives_the_next_sync(engine: AsyncEngine, workspace: UUID) -> None:
    await sync_file(engine, workspace, CUSTOM_RULES)
    await change_rules(engine, workspace, LATER, cancel_deal="always")
    await sync_file(engine, workspace, CUSTOM_RULES, LATER)
    assert (await in_force(engine, workspace)).newest.cancel_deal == "always"


async def test_address_facts_apply_to_all_history(engine: AsyncEngine, workspace: UUID) -> None:
    await change_rules(engine, workspace, LATER, personal_domains=["post.example"])
    assert (await in_force(engine, workspace)).at(NOW).personal_domains == {"post.example"}


async def test_invalid_rules_are_refused_with_a_reason(engine: AsyncEngine, workspace: UUID) -> None:
    for changes in ({"cancel_deal": "sometimes"}, {"stages": ["met"]}, {"no_such_rule": 1}):
        result = await change_rules(engine, workspace, None, **changes)
        assert result.refused, changes
    assert (await in_force(engine, workspace)).newest == Rules()


async def test_concurrent_starts_sync_once(engine: AsyncEngine, workspace: UUID) -> None:
    await asyncio.gather(*(sync_file(engine, workspace, CUSTOM_RULES) for _ in range(8)))
    assert await count_amendments(engine, workspace) == 1


async def test_a_new_workspace_gets_the_latest_file(engine: AsyncEngine, workspace: UUID) -> None:
    await sync_file(engine, workspace, Rules())
    await sync_file(engine, workspace, CUSTOM_RULES, LATER + timedelta(days=900))
    other = (await new_account(engine)).workspace_id
    assert other is not None
    async with transaction(engine) as tx:
        await sync_new_workspace(await driver_connection(tx), other, LATER)
    assert (await in_force(engine, other)).at(NOW) == CUSTOM_RULES
