"""RU2: any usual PostgreSQL address works, and a faulty one is reported in one sentence."""

import asyncio
import socket

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.address import driver_arguments, redact
from showup.database.engine import DatabaseUnavailable, connect, driver_connection, transaction, translate_errors


async def test_a_session_is_in_utc_and_has_the_application_name(engine: AsyncEngine) -> None:
    async with transaction(engine) as tx:
        row = (await tx.execute(text("SHOW timezone"))).scalar_one()
        name = (await tx.execute(text("SHOW application_name"))).scalar_one()
    assert (row, name) == ("UTC", "showup")


async def test_the_drivers_statements_are_rolled_back_with_the_transaction(engine: AsyncEngine) -> None:
    async def make_and_fail() -> None:
        async with transaction(engine) as tx:
            await (await driver_connection(tx)).execute("CREATE TABLE gone (id int)")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await make_and_fail()
    async with transaction(engine) as tx:
        assert (await tx.execute(text("SELECT to_regclass('gone')"))).scalar_one() is None


async def test_a_transaction_pooler_gets_no_prepared_statements(database_url: str) -> None:
    engine = connect(f"{database_url}&pgbouncer=true", pool_size=1)
    async with transaction(engine) as tx:
        for number in range(3):
            query = text("SELECT CAST(:number AS int)")
            assert (await tx.execute(query, {"number": number})).scalar_one() == number
        left = await tx.execute(text("SELECT count(*) FROM pg_prepared_statements WHERE name <> ''"))
        assert left.scalar_one() == 0
    await engine.dispose()


async def test_concurrent_transactions_wait_for_a_connection(database_url: str) -> None:
    engine = connect(database_url, pool_size=2)

    async def select_number(number: int) -> int:
        async with transaction(engine) as tx:
            answer: int = (await tx.execute(text(f"SELECT {number}"))).scalar_one()
            return answer

    assert await asyncio.gather(*map(select_number, range(20))) == list(range(20))
    await engine.dispose()


async def test_a_connection_that_the_server_closed_is_replaced(database_url: str) -> None:
    engine = connect(database_url, pool_size=2)
    try:
        async with transaction(engine) as one, transaction(engine) as other:
            closed = [await driver_connection(one), await driver_connection(other)]
        admin = await asyncpg.connect(database_url)
        for driver in closed:
            await admin.execute("SELECT pg_terminate_backend($1, 5000)", driver.get_server_pid())
        await admin.close()
        while not all(driver.is_closed() for driver in closed):  # noqa: ASYNC110  # the driver has no event for it
            await asyncio.sleep(0.01)
        async with transaction(engine) as one, transaction(engine) as other:
            opened = [await driver_connection(one), await driver_connection(other)]
            assert [await driver.fetchval("SELECT 1") for driver in opened] == [1, 1]
        assert not {id(driver) for driver in opened} & {id(driver) for driver in closed}
    finally:
        await engine.dispose()


def test_supabase_addresses_become_driver_arguments() -> None:
    pooled = driver_arguments("postgres://postgres.ref:p%40ss@db.example.com:6543/postgres?sslmode=require")
    direct = driver_arguments("postgresql://postgres:x@db.example.com:5432/postgres?connect_timeout=5&pgbouncer=x")
    assert pooled["dsn"] == "postgresql://postgres.ref:p%40ss@db.example.com:6543/postgres?sslmode=require"
    assert pooled["statement_cache_size"] == 0
    assert "search_path" not in pooled["server_settings"]
    assert direct["dsn"] == "postgresql://postgres:x@db.example.com:5432/postgres"
    assert direct["server_settings"]["search_path"] == "showup"
    assert "statement_cache_size" not in direct


def test_a_verified_server_without_a_certificate_file_uses_the_systems_certificates() -> None:
    arguments = driver_arguments("postgresql://u@db.example.com/d?sslmode=verify-full")
    assert arguments["ssl"].check_hostname


def test_an_address_is_shown_without_user_and_password() -> None:
    assert redact("postgresql://me:secret@db.example.com:5432/showup") == "db.example.com:5432/showup"
    assert redact("postgresql://showup@/showup?host=/run/x") == "/run/x/showup"


async def query_database(url: str) -> None:
    async with translate_errors(url):
        engine = connect(url)
        async with transaction(engine) as tx:
            await tx.execute(text("SELECT 1"))


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"postgresql://me:hidden@127.0.0.1:{closed_port()}/d", "check that it runs"),
        ("postgresql://me@/d?host=/nowhere/at/all", "check that it runs"),
        ("mysql://me:hidden@127.0.0.1/d", "should begin with postgresql://"),
        ("postgresql://me:hidden@127.0.0.1/d?sslmode=perhaps", "sslmode"),
    ],
    ids=["nothing listens", "no such socket", "another database", "no such mode"],
)
async def test_an_unreachable_database_is_reported_in_a_sentence(url: str, expected: str) -> None:
    with pytest.raises(DatabaseUnavailable, match=expected) as raised:
        await query_database(url)
    assert "hidden" not in str(raised.value)
    assert "\n" not in str(raised.value)


async def test_a_missing_database_is_named(postgres: str) -> None:
    url = postgres.replace("/showup?", "/nobody_made_it?")
    with pytest.raises(DatabaseUnavailable, match="nobody_made_it"):
        await query_database(url)


async def test_a_faulty_query_is_not_reported_as_an_unavailable_database(engine: AsyncEngine, postgres: str) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        async with translate_errors(postgres), transaction(engine) as tx:
            await (await driver_connection(tx)).execute("SELECT * FROM nothing_of_this_name")
