"""RU6: the daily statement accounts for every webhook of a workspace's own day, and says what may be missing."""

import random
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, insert, update
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access.permission import Permission
from showup.database.engine import transaction
from showup.database.tables import connections, inbox_events, reconciliations, workspaces
from showup.reads.statement import DailyStatement, list_statements

ZONE = ZoneInfo("Pacific/Auckland")
DAY = date(2026, 9, 27)  # summer time begins: this day has 23 hours
NOON = datetime.combine(DAY, time(12), ZONE)
STATES = ("pending", "applied", "ignored", "unreadable", "waiting", "failed", "duplicate", "erased")
NAMES = {"applied": "projected", "pending": "open", "waiting": "open", "failed": "open"}
HOURS = (-12.01, -11.01, -10.99, 0, 5, 11.99, 12.01)


def at(hours: float) -> datetime:
    """Returns the time on the day's clock, so many hours after noon."""
    return (NOON + timedelta(hours=hours)).astimezone(UTC)


def event(account_id: UUID, workspace_id: UUID | None, received_at: datetime, **values: Any) -> dict[str, Any]:
    return {
        "id": uuid4(),
        "account_id": account_id,
        "workspace_id": workspace_id,
        "received_at": received_at,
        "digest": uuid4().bytes,
        "body": b"{}",
        **values,
    }


async def statement_of(engine: AsyncEngine, workspace_id: UUID | None, day: date | None = DAY) -> list[DailyStatement]:
    permission = Permission(actor="test", scope="read", workspace_id=workspace_id)
    async with transaction(engine) as tx:
        return await list_statements(tx, permission, at(30), day=day)


@pytest.fixture
async def other(engine: AsyncEngine, workspace: UUID) -> UUID:
    """The id of another workspace; the first one's zone is not UTC."""
    other_id = uuid4()
    async with transaction(engine) as tx:
        await tx.execute(update(workspaces).values(time_zone=ZONE.key).where(workspaces.c.id == workspace))
        await tx.execute(insert(workspaces).values(id=other_id, slug="other", name="Other", time_zone=ZONE.key))
    return other_id


async def test_every_webhook_of_the_day_is_counted_once(
    engine: AsyncEngine, workspace: UUID, account: UUID, other: UUID
) -> None:
    generator = random.Random(6)  # noqa: S311  # the same events in each run
    cases = product(STATES, ("webhook", "reconcile", "backfill", "simulation"), HOURS, (workspace, other, None))
    events = [
        event(account, owner, at(hours), state=state, origin=origin)
        for state, origin, hours, owner in cases
        for _ in range(generator.randrange(3))
    ]
    async with transaction(engine) as tx:
        await tx.execute(insert(inbox_events), events)
    expected = Counter(
        NAMES.get(row["state"], row["state"])
        for row in events
        # An event without a workspace counts in that of its account.
        if row["origin"] == "webhook" and row["workspace_id"] in (workspace, None) and is_of_the_day(row["received_at"])
    )
    repaired = sum(
        row["origin"] == "reconcile"
        and row["state"] == "applied"
        and row["workspace_id"] in (workspace, None)
        and is_of_the_day(row["received_at"])
        for row in events
    )
    [found] = await statement_of(engine, workspace)
    assert {name: getattr(found, name) for name in expected} == dict(expected)
    assert found.received == sum(expected.values()) > 0
    assert found.repaired == repaired > 0
    assert not found.is_complete
    assert [each.workspace for each in await statement_of(engine, None)] == ["default", "other"]


def is_of_the_day(moment: datetime) -> bool:
    return moment.astimezone(ZONE).date() == DAY


async def test_what_cal_com_has_more_is_missing_and_an_account_that_was_not_compared_is_named(
    engine: AsyncEngine, workspace: UUID, account: UUID, other: UUID
) -> None:
    [never] = await statement_of(engine, workspace)
    assert (never.missing, never.not_compared, never.is_complete) == (None, ("default",), False)

    async def compare(hours: float, drifting: int, state: str = "done") -> None:
        row = {
            "id": uuid4(),
            "account_id": account,
            "kind": "poll",
            "state": state,
            "started_at": at(hours),
            "since": at(hours - 1),
            "until": at(hours),
            "drifting": drifting,
        }
        async with transaction(engine) as tx:
            await tx.execute(insert(reconciliations).values(row))

    await compare(-20, 3)
    [old] = await statement_of(engine, workspace)
    assert (old.missing, old.not_compared) == (3, ("default",))
    await compare(1, 2)
    await compare(3, 9, state="failed")
    await compare(13, 7)  # on the next day
    [newest] = await statement_of(engine, workspace)
    assert (newest.missing, newest.not_compared, newest.is_complete) == (2, (), False)
    await compare(2, 0)
    [complete] = await statement_of(engine, workspace)
    assert complete.is_complete
    # A workspace without an account has nothing to compare.
    [empty] = await statement_of(engine, other)
    assert (empty.missing, empty.not_compared, empty.is_complete) == (0, (), True)
    async with transaction(engine) as tx:
        await tx.execute(delete(reconciliations))
        await tx.execute(insert(connections).values(id=uuid4(), workspace_id=other, kind="clickup", name="clickup"))
    [without_source] = await statement_of(engine, other)
    assert without_source.is_complete


@pytest.mark.usefixtures("other")
async def test_by_default_it_is_yesterday_of_each_workspace(engine: AsyncEngine) -> None:
    # 30 hours after the noon of this day, it is the evening of the next.
    assert {each.workspace: each.day for each in await statement_of(engine, None, day=None)} == {
        "default": DAY,
        "other": DAY,
    }
