"""The keeper's bounds: what waits costs bounded memory, and nobody is told that a thing is kept which is not (IN7)."""

import asyncio

import pytest
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import raw, transaction
from showup.inbox.keep import MOST_BYTES_WAITING, Keeper, NotKept
from tests.stories.tables import new_account


async def test_large_bodies_that_wait_are_bounded_in_bytes(engine: AsyncEngine) -> None:
    keeper = Keeper(engine)
    model = replace(await new_account(engine), body=b"x" * 1024 * 1024)
    answers = asyncio.gather(*(keeper.keep(model) for _ in range(100)), return_exceptions=True)
    await asyncio.sleep(0)
    assert 0 < keeper.bytes_waiting <= MOST_BYTES_WAITING
    assert {type(answer) for answer in await answers} == {NotKept}


async def test_what_could_not_be_written_is_answered_so_and_written_when_it_comes_again(engine: AsyncEngine) -> None:
    model = replace(await new_account(engine), body=b"{}")
    keeper = Keeper(engine)
    keeping = asyncio.create_task(keeper.run())
    async with transaction(engine) as tx:
        await (await raw(tx)).execute("LOCK TABLE calcom_events IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(NotKept):
            await keeper.keep(model)
    async with asyncio.timeout(20):
        while True:
            try:
                kept = await keeper.keep(model)
                break
            except NotKept:
                continue
    async with transaction(engine) as tx:
        rows = await (await raw(tx)).fetch("SELECT id FROM calcom_events WHERE duplicate_of IS NULL")
    assert [row["id"] for row in rows] == [kept.duplicate_of or kept.id]
    assert keeper.bytes_waiting == 0
    keeping.cancel()
