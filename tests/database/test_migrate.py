"""Migrations create exactly the tables of `tables`, once, even if many processes start at the same time (RU2)."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.cli.errors import expected_message
from showup.database.engine import transaction
from showup.database.migrate import DatabaseChanged, find_drift, read_revisions, upgrade


@pytest.fixture
async def empty_database(postgres: str) -> AsyncIterator[str]:
    name = f"empty_{uuid4().hex}"
    driver = await asyncpg.connect(postgres)
    await driver.execute(f"CREATE DATABASE {name}")
    yield postgres.replace("/showup?", f"/{name}?")
    await driver.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await driver.close()


async def test_a_migrated_database_matches_the_tables(database_url: str) -> None:
    assert await find_drift(database_url) == []


async def test_manual_changes_of_the_schema_are_found(database_url: str) -> None:
    driver = await asyncpg.connect(database_url)
    await driver.execute("ALTER TABLE deals DROP CONSTRAINT ck_deals_status")
    await driver.execute("DROP INDEX uq_deals_active_company_id")
    await driver.execute("ALTER TABLE people ADD COLUMN shoe_size int")
    await driver.close()
    found = "\n".join(await find_drift(database_url))
    for part in ("ck_deals_status", "uq_deals_active_company_id", "people.shoe_size"):
        assert part in found
    assert len(found.splitlines()) == 3


async def test_concurrent_migrations_run_one_after_another(empty_database: str) -> None:
    await asyncio.gather(*(upgrade(empty_database) for _ in range(5)))
    assert await find_drift(empty_database) == []


async def test_a_migration_lets_others_use_a_locked_table_while_it_waits(empty_database: str) -> None:
    """R7: a rolling upgrade must not make webhooks wait."""
    holder, other = await asyncpg.connect(empty_database), await asyncpg.connect(empty_database)
    await holder.execute("CREATE SCHEMA showup; CREATE TABLE showup.alembic_version (version_num text)")
    transaction = holder.transaction()
    await transaction.start()
    # Alembic writes this table.
    await holder.execute("LOCK TABLE showup.alembic_version IN SHARE MODE")
    migration = asyncio.create_task(upgrade(empty_database))
    # Other tests use the same server.
    blocked = """
        SELECT EXISTS (
            SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
            WHERE NOT l.granted AND d.datname = current_database()
        )
    """
    for is_blocked in (True, False, True):
        while await other.fetchval(blocked) is not is_blocked:
            assert not migration.done()
            await asyncio.sleep(0)
    await transaction.rollback()
    await migration
    await asyncio.gather(holder.close(), other.close())
    assert await find_drift(empty_database) == []


async def test_the_revision_is_read(engine: AsyncEngine) -> None:
    async with transaction(engine) as tx:
        current, newest = await read_revisions(tx)
    assert current == newest == "0001"


async def test_bodies_are_compressed_with_lz4_where_available(database_url: str) -> None:
    driver = await asyncpg.connect(database_url)
    compression = await driver.fetchval(
        "SELECT attcompression FROM pg_attribute WHERE attrelid = 'inbox_events'::regclass AND attname = 'body'"
    )
    compressions_query = "SELECT enumvals FROM pg_settings WHERE name = 'default_toast_compression'"
    has_lz4 = "lz4" in await driver.fetchval(compressions_query)
    await driver.close()
    assert compression == (b"l" if has_lz4 else b"\0")


async def test_a_database_of_another_build_is_refused_with_what_to_do(database_url: str, engine: AsyncEngine) -> None:
    """The first migration is edited in place until the first release: its revision says nothing then."""
    async with transaction(engine) as tx:
        await tx.execute(text("COMMENT ON TABLE alembic_version IS NULL"))
    await upgrade(database_url)
    async with transaction(engine) as tx:
        comment = await tx.scalar(text("SELECT obj_description('alembic_version'::regclass, 'pg_class')"))
        assert str(comment).startswith("migrations "), "equal tables are recognized, and remembered"
        await tx.execute(text("COMMENT ON TABLE alembic_version IS 'migrations of another build'"))
        await tx.execute(text("ALTER TABLE bookings DROP COLUMN next_step"))
    with pytest.raises(DatabaseChanged, match="SHOWUP_DATA_DIR") as refused:
        await upgrade(database_url)
    assert "column bookings.next_step text" in str(refused.value)
    assert expected_message(refused.value) == str(refused.value), "a sentence, without a traceback"
