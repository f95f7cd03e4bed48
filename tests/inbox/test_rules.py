"""The rules of a workspace: kept in the database, one number a change, whoever starts at the same time."""

import asyncio
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import raw, transaction
from showup.inbox import rules
from showup.pipeline.rules import Rules
from tests.stories.tables import new_account

OURS = Rules(cancel_deal="last_meeting", team_domains=frozenset({"brand.example"}), remind_before=(timedelta(hours=1),))


async def put(engine: AsyncEngine, workspace: UUID, wanted: Rules) -> None:
    async with transaction(engine) as tx:
        await rules.put(await raw(tx), workspace, wanted)


async def numbers(engine: AsyncEngine) -> list[int]:
    async with transaction(engine) as tx:
        return [row["number"] for row in await (await raw(tx)).fetch("SELECT number FROM rules ORDER BY number")]


async def in_force(engine: AsyncEngine, workspace: UUID) -> Rules:
    async with transaction(engine) as tx:
        return await rules.in_force(await raw(tx), workspace)


async def test_without_any_the_defaults_hold(engine: AsyncEngine, workspace: UUID) -> None:
    assert await in_force(engine, workspace) == Rules()


async def test_what_is_put_is_in_force_and_put_again_changes_nothing(engine: AsyncEngine, workspace: UUID) -> None:
    await put(engine, workspace, OURS)
    await put(engine, workspace, OURS)
    assert await in_force(engine, workspace) == OURS
    assert await numbers(engine) == [1]


async def test_a_workspace_without_rules_of_its_own_has_those_of_default(engine: AsyncEngine, workspace: UUID) -> None:
    await put(engine, workspace, OURS)
    other = await new_account(engine)
    assert other.workspace_id is not None
    assert await in_force(engine, other.workspace_id) == OURS


async def test_many_that_start_at_once_put_them_once(engine: AsyncEngine, workspace: UUID) -> None:
    await asyncio.gather(*(put(engine, workspace, OURS) for _ in range(8)))
    assert await numbers(engine) == [1]
