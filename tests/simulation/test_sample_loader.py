import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access import workspaces_store
from showup.access.secrets_at_rest import Seal
from showup.database.engine import transaction
from showup.database.tables import inbox_events
from showup.simulation.sample import sample_bodies
from showup.simulation.sample_loader import SampleLoad, load_sample

SEAL = Seal.from_setting("a key of thirty-two characters or more")
NOW = datetime(2026, 9, 15, 12, 0, tzinfo=UTC)


async def load_into(engine: AsyncEngine, slug: str = "default", now: datetime = NOW) -> SampleLoad:
    async with transaction(engine) as tx:
        workspace = await workspaces_store.find(tx, slug)
        assert workspace is not None
        return await load_sample(tx, SEAL, workspace, now)


async def stored_events(engine: AsyncEngine) -> list[tuple[bytes, str, UUID, UUID]]:
    columns = [inbox_events.c[name] for name in ("body", "origin", "account_id", "workspace_id")]
    async with engine.connect() as tx:
        return [tuple(row) for row in await tx.execute(select(*columns).order_by(inbox_events.c.id))]


async def test_the_sample_waits_in_the_inbox_to_be_applied(  # AP5
    engine: AsyncEngine, workspace: UUID, account: UUID
) -> None:
    assert await load_into(engine) == SampleLoad(11, NOW)
    *webhooks, move = await stored_events(engine)
    assert webhooks == [(body, "sample", account, workspace) for body in sample_bodies(NOW)]
    assert move[1:] == ("sample", None, workspace), "a person's command, for which the sample has an event too"


@pytest.mark.usefixtures("account")
async def test_a_second_time_changes_nothing(engine: AsyncEngine) -> None:  # AP5
    await load_into(engine)
    before = await stored_events(engine)
    assert await load_into(engine, now=NOW + timedelta(days=30)) == SampleLoad(0, NOW)
    assert await stored_events(engine) == before


@pytest.mark.usefixtures("account")
async def test_two_who_load_it_at_once_load_it_once(engine: AsyncEngine) -> None:
    both = await asyncio.gather(load_into(engine), load_into(engine, now=NOW + timedelta(seconds=1)))
    assert sorted(result.stored for result in both) == [0, 11]
    assert len(await stored_events(engine)) == 11


@pytest.mark.usefixtures("account")
async def test_each_workspace_can_have_its_own(engine: AsyncEngine) -> None:  # AP6
    async with transaction(engine) as tx:
        other = await workspaces_store.add(tx, slug="acme", name="Acme")
    assert other is not None
    await load_into(engine)
    assert await load_into(engine, "acme") == SampleLoad(11, NOW)
    assert {row[3] for row in (await stored_events(engine))[11:]} == {other.id}
