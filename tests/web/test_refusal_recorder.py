"""U02: every refusal reaches the table that `showup doctor` reads, also the last of a burst."""

import asyncio

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import system_clock
from showup.database.engine import driver_connection, transaction
from showup.web.refusal_recorder import RefusalRecorder


async def until_count(engine: AsyncEngine, count: int) -> None:
    """Waits until so many refusals are stored. Raises TimeoutError after some seconds."""
    async with asyncio.timeout(20):
        while True:
            async with transaction(engine) as tx:
                driver: asyncpg.Connection = await driver_connection(tx)
                if await driver.fetchval("SELECT coalesce(sum(count), 0) FROM webhook_refusals") == count:
                    return
            await asyncio.sleep(0.02)


async def until_a_write_waits(engine: AsyncEngine) -> None:
    async with asyncio.timeout(20):
        while True:
            async with transaction(engine) as tx:
                waiting = text(
                    "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'webhook_refusals'::regclass"
                )
                if (await tx.execute(waiting)).scalar_one():
                    return
            await asyncio.sleep(0.02)


async def test_u02_what_is_refused_during_a_write_is_stored_without_another_refusal(engine: AsyncEngine) -> None:
    recorder = RefusalRecorder(engine, system_clock, interval=0.05)
    async with transaction(engine) as blocking:
        await blocking.execute(text("LOCK TABLE webhook_refusals IN EXCLUSIVE MODE"))
        recorder.record("calcom", "default", "wrong_signature", "203.0.113.1")
        await until_a_write_waits(engine)
        for _ in range(4):
            recorder.record("calcom", "default", "wrong_signature", "203.0.113.1")
    await until_count(engine, 5)


async def test_u02_flush_waits_for_a_write_in_progress(engine: AsyncEngine) -> None:
    """A process that ends calls it: what is being written then is stored too."""
    recorder = RefusalRecorder(engine, system_clock, interval=0)
    async with transaction(engine) as blocking:
        await blocking.execute(text("LOCK TABLE webhook_refusals IN EXCLUSIVE MODE"))
        recorder.record("calcom", "default", "wrong_signature", "203.0.113.1")
        await until_a_write_waits(engine)
        flushed = asyncio.create_task(recorder.flush())
        await asyncio.sleep(0.1)
        assert not flushed.done()
    await flushed
    await until_count(engine, 1)


async def test_u02_a_failed_write_is_repeated(engine: AsyncEngine) -> None:
    recorder = RefusalRecorder(engine, system_clock, interval=0.1)
    async with transaction(engine) as tx:
        await tx.execute(text("ALTER TABLE webhook_refusals RENAME TO elsewhere"))
    recorder.record("calcom", "default", "wrong_signature", "203.0.113.1")
    await asyncio.sleep(0.3)
    async with transaction(engine) as tx:
        await tx.execute(text("ALTER TABLE elsewhere RENAME TO webhook_refusals"))
    await until_count(engine, 1)
