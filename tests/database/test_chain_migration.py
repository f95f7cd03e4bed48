"""RU2: what was settled before there was a chain is linked by the migration, as `inbox.chain` would have done it."""

from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest
from alembic import command
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database import migrate
from showup.database.engine import connect, raw, transaction
from showup.inbox.verifying import verify
from tests.conftest import of_database

_EVENT = """
    INSERT INTO calcom_events (id, account_id, workspace_id, received_at, digest, body, content_type, webhook_version,
                               state, number)
    VALUES (gen_random_uuid(), $1, $2, $3::text::timestamptz, sha256($4), $4, $5, $6, $7, $8)
"""


def at_first_revision(connection: Connection) -> None:
    configuration = migrate._configuration()
    configuration.attributes["connection"] = connection
    command.upgrade(configuration, "0001")


@pytest.fixture
async def older(postgres: str) -> AsyncIterator[AsyncEngine]:
    """A database as the first version left it."""
    name = f"older_{uuid4().hex}"
    driver = await asyncpg.connect(postgres)
    await driver.execute(f"CREATE DATABASE {name}")
    engine = connect(of_database(postgres, name))
    async with transaction(engine) as tx:
        await tx.run_sync(at_first_revision)
    yield engine
    await engine.dispose()
    await driver.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await driver.close()


async def test_an_older_log_proves_itself_from_its_first_event_on(older: AsyncEngine, postgres: str) -> None:
    async with transaction(older) as tx:
        connection = await raw(tx)
        workspace, empty = [
            await connection.fetchval(
                "INSERT INTO workspaces (id, slug, name) VALUES (gen_random_uuid(), $1, $1) RETURNING id", slug
            )
            for slug in ("default", "empty")
        ]
        account = await connection.fetchval(
            "INSERT INTO connections (id, workspace_id, kind, name) VALUES (gen_random_uuid(), $1, 'calcom', 'a')"
            " RETURNING id",
            workspace,
        )
        database = await connection.fetchval("SELECT current_database()")
        for number, received_at, content_type, version, state in (
            (7, "2026-03-10 09:15:00.000001+00", "application/json", None, "applied"),
            (9, "1969-12-31 23:59:59.5+00", None, "", "unreadable"),
            (12, "2026-10-25 02:30:00.999999+02", "text/plain; charset=ü", "2021-10-20", "waiting"),
            (13, "2026-03-10 09:15:00+00", None, None, "kept"),
        ):
            values = (account, workspace, received_at, str(number).encode(), content_type, version, state, number)
            await connection.execute(_EVENT, *values)
    await migrate.upgrade(of_database(postgres, database))
    async with transaction(older) as tx:
        verdict = await verify(await raw(tx), {"default": workspace, "empty": empty}, [])
    assert verdict.broken == 0, verdict.told()
    assert [(one.links, one.head and one.head.number) for one in verdict.found.values()] == [(3, 12), (0, None)]
