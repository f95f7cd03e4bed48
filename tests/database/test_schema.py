"""RU2: all objects are in the schema `showup`, with any database settings, and no other role may read them."""

from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import text

from showup.database.engine import connect, transaction
from showup.database.migrate import find_drift, upgrade
from tests.database_pool import with_database

_OBJECTS = """
    SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
"""


@pytest.fixture
async def shared_database(postgres: str) -> AsyncIterator[str]:
    """A database with hosting providers' defaults: its schema is `public`, where every role may create and read."""
    name = f"shared_{uuid4().hex}"
    url = with_database(postgres, name)
    admin = await asyncpg.connect(postgres)
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.execute(f"ALTER DATABASE {name} SET search_path TO public")
    driver = await asyncpg.connect(url)
    for role in ("anon", "authenticated"):
        await driver.execute(f"DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
        await driver.execute(f"GRANT ALL ON SCHEMA public TO {role}")
        await driver.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO {role}")
    await driver.close()
    yield url
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


async def test_every_object_is_in_the_schema_showup(shared_database: str) -> None:
    await upgrade(shared_database)
    assert await find_drift(shared_database) == []
    driver = await asyncpg.connect(shared_database)
    objects = {row[0] for row in await driver.fetch(_OBJECTS)}
    await driver.close()
    assert {"showup.inbox_events", "showup.calcom_events", "showup.pgqueuer", "showup.alembic_version"} <= objects
    assert {name for name in objects if not name.startswith("showup.")} == set()


@pytest.mark.parametrize("pooled", ["", "&pgbouncer=true"])
async def test_every_transaction_finds_the_schema(shared_database: str, pooled: str) -> None:
    await upgrade(shared_database)
    engine = connect(f"{shared_database}{pooled}", pool_size=1)
    for _ in range(2):
        async with transaction(engine) as tx:
            assert (await tx.execute(text("SELECT count(*) FROM workspaces"))).scalar_one() == 0
            assert (await tx.execute(text("SELECT current_schema()"))).scalar_one() == "showup"
    await engine.dispose()


@pytest.mark.parametrize("role", ["anon", "authenticated"])
async def test_supabases_roles_have_no_rights(shared_database: str, role: str) -> None:
    await upgrade(shared_database)
    driver = await asyncpg.connect(shared_database)
    assert not await driver.fetchval("SELECT has_schema_privilege($1, 'showup', 'USAGE')", role)
    for table in ("inbox_events", "calcom_events", "people", "pgqueuer"):
        assert not await driver.fetchval("SELECT has_table_privilege($1, $2, 'SELECT')", role, f"showup.{table}")
    await driver.close()


async def test_the_view_shows_calcoms_events_with_the_readers_own_rights(database_url: str) -> None:
    driver = await asyncpg.connect(database_url)
    options = await driver.fetchval("SELECT reloptions FROM pg_class WHERE oid = 'calcom_events'::regclass")
    insert = """
        INSERT INTO inbox_events (id, source, received_at, digest, body)
        VALUES (gen_random_uuid(), $1::text, now(), sha256($1::text::bytea), '')
    """
    for source in ("calcom", "manual", "resend"):
        await driver.execute(insert, source)
    sources = dict(await driver.fetch("SELECT source, count(*) FROM inbox_events GROUP BY 1"))
    seen = await driver.fetchval("SELECT count(*) FROM calcom_events")
    await driver.close()
    assert options == ["security_invoker=true"]
    assert sources == {"calcom": 1, "manual": 1, "resend": 1}
    assert seen == 1
