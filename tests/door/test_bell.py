"""IN2: signatures that are wrong again and again are told to whoever listens, beside the answer."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import system_clock
from showup.database import tables
from showup.database.engine import connect, raw, transaction
from showup.deliveries.subscribing import subscribe
from showup.inbox.keep import Keeper
from showup.web.alarm import MANY
from showup.web.bell import Bell
from showup.web.webhooks import WebhookDoor
from tests.door.conftest import Accounts, nothing_here

NOON = datetime(2026, 9, 7, 12, 5, tzinfo=UTC)
SOMEBODY = "198.51.100.7"


class Minutes:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def minutes(engine: AsyncEngine, workspace: UUID) -> Minutes:
    async with transaction(engine) as tx:
        await subscribe(await raw(tx), workspace, "slack", ["signatures.bad"], NOON - timedelta(days=1))
    return Minutes()


async def told(engine: AsyncEngine) -> list[dict[str, Any]]:
    async with engine.connect() as tx:
        query = select(tables.deliveries).order_by(tables.deliveries.c.key)
        return [dict(row) for row in (await tx.execute(query)).mappings()]


def note_many(bell: Bell, account: str, *workspaces: UUID) -> None:
    for _ in range(MANY):
        bell.note(account, SOMEBODY, workspaces)


async def test_many_are_told_once_with_the_account_and_nothing_of_the_body(
    engine: AsyncEngine, workspace: UUID, minutes: Minutes
) -> None:
    bell = Bell(engine, minutes)
    for _ in range(MANY - 1):
        bell.note("default", SOMEBODY, [workspace])
    await bell.rung()
    assert await told(engine) == []
    note_many(bell, "default", workspace)
    await bell.rung()
    (row,) = await told(engine)
    assert (row["kind"], row["destination"], row["state"]) == ("signatures.bad", "slack", "scheduled")
    assert row["details"] == {"account": "default", "at_least": MANY}


async def test_one_an_hour_and_account_from_however_many_processes(
    engine: AsyncEngine, workspace: UUID, minutes: Minutes
) -> None:
    for bell in (Bell(engine, minutes), Bell(engine, minutes)):
        note_many(bell, "default", workspace)
        note_many(bell, "other", workspace)
        await bell.rung()
    assert [row["key"] for row in await told(engine)] == [
        "slack/signatures.bad:default:2026-09-07T12",
        "slack/signatures.bad:other:2026-09-07T12",
    ]
    minutes.now += timedelta(hours=1)
    later = Bell(engine, minutes)
    note_many(later, "default", workspace)
    await later.rung()
    assert len(await told(engine)) == 3


async def test_a_database_that_is_away_holds_nobody_up(minutes: Minutes, workspace: UUID) -> None:
    nowhere = connect("postgresql://nobody@127.0.0.1:1/nothing", pool_size=1)
    bell = Bell(nowhere, minutes)
    note_many(bell, "default", workspace)
    await bell.rung()
    await nowhere.dispose()


async def test_the_door_of_webhooks_rings_it(
    engine: AsyncEngine, accounts: Accounts, workspace: UUID, minutes: Minutes
) -> None:
    bell = Bell(engine, minutes)
    door = WebhookDoor(accounts, Keeper(engine), system_clock, fallback=nothing_here, bell=bell)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=door), base_url="http://showup.example") as client:
        for _ in range(MANY):
            answer = await client.post("/webhooks/calcom", content=b"{}", headers={"X-Cal-Signature-256": "0" * 64})
            assert answer.status_code == 401
    await bell.rung()
    (row,) = await told(engine)
    assert (row["details"]["account"], row["workspace_id"]) == ("default", workspace)


async def test_all_workspaces_that_it_concerns_are_told_however_many(engine: AsyncEngine, minutes: Minutes) -> None:
    many = [uuid4() for _ in range(7)]
    async with transaction(engine) as tx:
        for one in many:
            await tx.execute(tables.workspaces.insert().values(id=one, slug=f"w-{one}", name="A client"))
            await subscribe(await raw(tx), one, "slack", ["signatures.bad"], NOON - timedelta(days=1))
    bell = Bell(engine, minutes)
    note_many(bell, "slack", *many)
    await bell.rung()
    assert {row["workspace_id"] for row in await told(engine)} == set(many)
