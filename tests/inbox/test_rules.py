"""The rules of a workspace: changes that are in the log, and of showup.toml only what is new in it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import raw, transaction
from showup.inbox import rules
from showup.inbox.act import Acted, act
from showup.inbox.adopt import adopt, adopt_as_elsewhere
from showup.pipeline.rules import RuleBook, Rules
from showup.sources.hand.command import ChangeRules
from tests.stories.tables import new_account

NOW = datetime(2026, 9, 7, 9, tzinfo=UTC)
LATER = NOW + timedelta(days=3)
OURS = Rules(cancel_deal="last_meeting", team_domains=frozenset({"brand.example"}), remind_before=(timedelta(hours=1),))


async def adopted(engine: AsyncEngine, workspace: UUID, policy: Rules, now: datetime = NOW) -> None:
    async with transaction(engine) as tx:
        await adopt(await raw(tx), workspace, policy, now)


async def changed(engine: AsyncEngine, workspace: UUID, since: datetime | None, **changes: Any) -> Acted:
    command = ChangeRules(at=since or NOW, actor="key:ops", changes=changes, since=since)
    async with transaction(engine) as tx:
        return await act(await raw(tx), workspace, [command], since or NOW)


async def in_force(engine: AsyncEngine, workspace: UUID) -> RuleBook:
    async with transaction(engine) as tx:
        return await rules.in_force(await raw(tx), workspace)


async def how_many(engine: AsyncEngine, workspace: UUID) -> int:
    async with transaction(engine) as tx:
        return len(await rules.amendments(await raw(tx), workspace))


async def test_without_any_the_defaults_hold(engine: AsyncEngine, workspace: UUID) -> None:
    assert (await in_force(engine, workspace)).newest == Rules()


async def test_the_first_file_holds_for_the_whole_history_and_the_same_again_changes_nothing(
    engine: AsyncEngine, workspace: UUID
) -> None:
    await adopted(engine, workspace, OURS)
    await adopted(engine, workspace, OURS, LATER)
    assert (await in_force(engine, workspace)).at(NOW - timedelta(days=900)) == OURS
    assert await how_many(engine, workspace) == 1


async def test_what_changes_in_the_file_holds_from_then_on(engine: AsyncEngine, workspace: UUID) -> None:
    await adopted(engine, workspace, Rules())
    await adopted(engine, workspace, Rules(meeting_ended="unreported"))
    await adopted(engine, workspace, Rules(meeting_ended="showed"), LATER)
    book = await in_force(engine, workspace)
    found = [book.at(moment).meeting_ended for moment in (NOW, LATER - timedelta(seconds=1), LATER)]
    assert found == ["unreported", "unreported", "showed"]


async def test_what_somebody_changed_stands_when_the_file_is_read_again(engine: AsyncEngine, workspace: UUID) -> None:
    await adopted(engine, workspace, OURS)
    await changed(engine, workspace, LATER, cancel_deal="always")
    await adopted(engine, workspace, OURS, LATER)
    assert (await in_force(engine, workspace)).newest.cancel_deal == "always"


async def test_what_an_address_is_holds_for_all_time(engine: AsyncEngine, workspace: UUID) -> None:
    await changed(engine, workspace, LATER, personal_domains=["post.example"])
    assert (await in_force(engine, workspace)).at(NOW).personal_domains == {"post.example"}


async def test_rules_that_make_no_sense_are_refused_and_say_why(engine: AsyncEngine, workspace: UUID) -> None:
    for wrong in ({"cancel_deal": "sometimes"}, {"stages": ["met"]}, {"no_such_rule": 1}):
        done = await changed(engine, workspace, None, **wrong)
        assert done.refused, wrong
    assert (await in_force(engine, workspace)).newest == Rules()


async def test_many_that_start_at_once_adopt_once(engine: AsyncEngine, workspace: UUID) -> None:
    await asyncio.gather(*(adopted(engine, workspace, OURS) for _ in range(8)))
    assert await how_many(engine, workspace) == 1


async def test_a_new_workspace_has_what_the_file_said_last(engine: AsyncEngine, workspace: UUID) -> None:
    await adopted(engine, workspace, Rules())
    await adopted(engine, workspace, OURS, LATER + timedelta(days=900))
    other = (await new_account(engine)).workspace_id
    assert other is not None
    async with transaction(engine) as tx:
        await adopt_as_elsewhere(await raw(tx), other, LATER)
    assert (await in_force(engine, other)).at(NOW) == OURS
