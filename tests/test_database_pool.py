"""A database of the pool is like new for each test."""

import asyncpg

from tests.database_pool import DatabasePool

_INSERT = "INSERT INTO showup.workspaces (id, slug, name) VALUES (gen_random_uuid(), 'ours', 'Ours')"
_NEXT = "SELECT nextval((schemaname || '.' || sequencename)::regclass) FROM pg_sequences ORDER BY sequencename LIMIT 1"
_WORKSPACES = "SELECT count(*) FROM showup.workspaces"


async def test_a_database_is_used_again_without_the_rows_and_sessions_of_the_test_before(
    database_pool: DatabasePool,
) -> None:
    first = await database_pool.take()
    driver = await asyncpg.connect(first.url)
    before = await driver.fetchval(_NEXT)
    await driver.execute(_INSERT)
    await driver.execute("BEGIN; LOCK TABLE showup.workspaces")
    await database_pool.give_back(first)
    assert driver.is_closed()
    second = await database_pool.take()
    assert second == first
    driver = await asyncpg.connect(second.url)
    assert await driver.fetchval(_WORKSPACES) == 0
    assert await driver.fetchval(_NEXT) == before
    assert await driver.fetchval("SELECT count(*) FROM showup.alembic_version") == 1
    await driver.close()
    await database_pool.give_back(second)


async def test_a_database_whose_tables_or_settings_were_changed_is_not_used_again(database_pool: DatabasePool) -> None:
    statements = (
        "ALTER TABLE showup.workspaces RENAME TO elsewhere; ALTER TABLE showup.elsewhere RENAME TO workspaces",
        "CREATE TABLE public.extra ()",
        "CREATE SCHEMA extra",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET lock_timeout = 1', current_database()); END $$",
    )
    for statement in statements:
        taken = await database_pool.take()
        driver = await asyncpg.connect(taken.url)
        await driver.execute(statement)
        await driver.close()
        await database_pool.give_back(taken)
        following = await database_pool.take()
        assert following.url != taken.url, statement
        await database_pool.give_back(following)
