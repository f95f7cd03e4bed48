"""The ingest writer uses bounded memory for pending bodies, and never reports an unstored event as stored (IN7)."""

import asyncio

import pytest
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import driver_connection, transaction
from showup.inbox.ingest_writer import MAX_PENDING_BYTES, IngestWriter, NotStored
from tests.histories.table_contents import new_account


async def test_pending_bodies_are_bounded_in_bytes(engine: AsyncEngine) -> None:
    writer = IngestWriter(engine)
    event = replace(await new_account(engine), body=b"x" * 1024 * 1024)
    results = asyncio.gather(*(writer.store(event) for _ in range(100)), return_exceptions=True)
    await asyncio.sleep(0)
    assert 0 < writer.pending_bytes <= MAX_PENDING_BYTES
    assert {type(result) for result in await results} == {NotStored}


async def test_a_failed_write_is_reported_and_succeeds_on_retry(engine: AsyncEngine) -> None:
    event = replace(await new_account(engine), body=b"{}")
    writer = IngestWriter(engine)
    writer_task = asyncio.create_task(writer.run())
    async with transaction(engine) as tx:
        await (await driver_connection(tx)).execute("LOCK TABLE inbox_events IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(NotStored):
            await writer.store(event)
    async with asyncio.timeout(20):
        while True:
            try:
                stored = await writer.store(event)
                break
            except NotStored:
                continue
    async with transaction(engine) as tx:
        rows = await (await driver_connection(tx)).fetch("SELECT id FROM inbox_events WHERE duplicate_of IS NULL")
    assert [row["id"] for row in rows] == [stored.duplicate_of or stored.id]
    assert writer.pending_bytes == 0
    writer_task.cancel()
