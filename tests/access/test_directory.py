"""The webhook endpoint's cache of accounts: at most 2 s old, usable without the database, and cheap (IN1, R4)."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import event, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access import accounts_store, routes_store, workspaces_store
from showup.access.account import Credentials, WebhookSecret, rotate_credentials
from showup.access.accounts_store import ensure_defaults
from showup.access.directory import AccountDirectory, AccountsUnavailable
from showup.access.route import Route
from showup.access.secrets_at_rest import Seal
from showup.database.engine import transaction
from showup.database.tables import connections

SEAL = Seal.from_setting("k" * 32)


class ManualClock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move_forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def directory(engine: AsyncEngine, clock: ManualClock) -> AccountDirectory:
    await ensure_defaults(engine)
    return AccountDirectory(engine, SEAL, clock)


async def add_account(engine: AsyncEngine, name: str, *secrets: WebhookSecret) -> UUID:
    async with transaction(engine) as tx:
        workspace = await workspaces_store.find(tx, "default")
        assert workspace is not None
        credentials = Credentials(webhook_secrets=secrets)
        account_id = await accounts_store.add(tx, SEAL, name=name, workspace_id=workspace.id, credentials=credentials)
        assert account_id is not None
        return account_id


def record_statements(engine: AsyncEngine) -> list[str]:
    """Returns a list that collects the statements that the engine runs from now on."""
    statements: list[str] = []

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    return statements


async def test_the_default_account_exists_without_a_secret(directory: AccountDirectory) -> None:
    account = await directory.find(None)
    assert account is not None
    assert (account.name, account.secrets, account.has_routes) == ("default", (), False)


async def test_defaults_are_created_once(engine: AsyncEngine) -> None:
    for _ in range(2):
        await ensure_defaults(engine)
    async with transaction(engine) as tx:
        assert len(await accounts_store.list_accounts(tx)) == 1


async def test_environment_secrets_belong_only_to_the_default_account(engine: AsyncEngine, clock: ManualClock) -> None:
    await ensure_defaults(engine)
    await add_account(engine, "acme", WebhookSecret("a"))
    directory = AccountDirectory(engine, SEAL, clock, default_secrets=["new", "old"])
    default, acme = await directory.find(None), await directory.find("acme")
    assert default is not None
    assert acme is not None
    assert (default.secrets, acme.secrets) == ((b"new", b"old"), (b"a",))


async def test_a_new_account_is_found_at_once(
    directory: AccountDirectory, engine: AsyncEngine, clock: ManualClock
) -> None:
    await directory.find(None)
    await add_account(engine, "acme", WebhookSecret("a"))
    clock.move_forward(milliseconds=300)
    account = await directory.find("acme", is_second_try=True)
    assert account is not None
    assert account.secrets == (b"a",)


async def test_unknown_names_do_not_query_the_database_each_time(
    directory: AccountDirectory, engine: AsyncEngine
) -> None:
    statements = record_statements(engine)
    for number in range(100):
        assert await directory.find(f"nobody-{number}", is_second_try=number % 2 == 1) is None
    assert len(statements) == 1


async def test_a_known_account_costs_one_statement_per_two_seconds(
    directory: AccountDirectory, engine: AsyncEngine, clock: ManualClock
) -> None:
    statements = record_statements(engine)
    for _ in range(50):
        clock.move_forward(milliseconds=39)
        await directory.find("default")
    assert len(statements) == 1


async def test_a_rotation_is_known_within_two_seconds_and_the_old_secret_ends_in_time(
    directory: AccountDirectory, engine: AsyncEngine, clock: ManualClock
) -> None:
    await add_account(engine, "acme", WebhookSecret("old"))
    await directory.find("acme")
    async with transaction(engine) as tx:
        stored = await accounts_store.find_for_update(tx, "acme")
        assert stored is not None
        after = rotate_credentials(stored.credentials(SEAL), "new", now=clock(), overlap=timedelta(hours=24))
        await accounts_store.set_credentials(tx, SEAL, stored.id, after)
    clock.move_forward(seconds=2)
    during = await directory.find("acme")
    clock.move_forward(hours=24)
    late = await directory.find("acme")
    assert during is not None
    assert late is not None
    assert (during.secrets, late.secrets) == ((b"new", b"old"), (b"new",))


async def test_an_account_with_routes_is_marked(directory: AccountDirectory, engine: AsyncEngine) -> None:
    account_id = await add_account(engine, "agency")
    async with transaction(engine) as tx:
        workspace = await workspaces_store.add(tx, slug="acme", name="Acme")
        assert workspace is not None
        await routes_store.replace_routes(tx, account_id, [Route(workspace_id=workspace.id, team_id=1)])
    account = await directory.find("agency")
    assert account is not None
    assert account.has_routes


async def test_an_account_stays_marked_after_its_routes_are_removed(engine: AsyncEngine) -> None:
    """AP6: its earlier bookings are in other workspaces, where their later events must go too."""
    await ensure_defaults(engine)
    agency, plain = await add_account(engine, "agency"), await add_account(engine, "plain")
    async with transaction(engine) as tx:
        workspace = await workspaces_store.add(tx, slug="acme", name="Acme")
        assert workspace is not None
        await routes_store.replace_routes(tx, agency, [Route(workspace_id=workspace.id, team_id=1)])
        for account_id in (agency, plain):
            await routes_store.replace_routes(tx, account_id, [])
        stored = await accounts_store.list_accounts(tx, ["agency", "plain"])
    assert {account.name: account.has_routes for account in stored} == {"agency": True, "plain": False}


async def test_an_account_being_changed_never_blocks_ingest(engine: AsyncEngine, account: UUID) -> None:
    """IN3: Showup can store an event that refers to the account while its row is locked."""
    async with transaction(engine) as updating_tx, transaction(engine) as inserting_tx:
        assert await accounts_store.find_for_update(updating_tx, "default") is not None
        account_row = select(connections.c.id).where(connections.c.id == account)
        locked = await inserting_tx.execute(account_row.with_for_update(read=True, key_share=True, nowait=True))
        assert locked.scalar_one() == account


async def test_during_an_outage_cached_accounts_stay_valid_and_old_secrets_still_expire(
    directory: AccountDirectory, engine: AsyncEngine, clock: ManualClock, postgres: str, database_url: str
) -> None:
    await add_account(engine, "acme", WebhookSecret("a"), WebhookSecret("b", clock() + timedelta(hours=1)))
    await directory.find("acme")
    await set_database_available(postgres, database_url, "gone")
    clock.move_forward(hours=2)
    account = await directory.find("acme")
    await set_database_available(postgres, database_url, "back")
    assert account is not None
    assert account.secrets == (b"a",)
    clock.move_forward(seconds=3)
    assert await directory.find("acme") is not None


async def test_during_an_outage_no_account_is_reported_as_unknown(
    directory: AccountDirectory, engine: AsyncEngine, clock: ManualClock, postgres: str, database_url: str
) -> None:
    assert await directory.find("new") is None
    await add_account(engine, "new", WebhookSecret("a"))
    await set_database_available(postgres, database_url, "gone")
    clock.move_forward(seconds=3)
    with pytest.raises(AccountsUnavailable):
        await directory.find("new")
    await set_database_available(postgres, database_url, "back")
    clock.move_forward(seconds=3)
    assert await directory.find("new") is not None


async def test_one_undecryptable_account_never_blocks_the_others(
    directory: AccountDirectory, engine: AsyncEngine
) -> None:
    broken = await add_account(engine, "broken", WebhookSecret("x"))
    await add_account(engine, "acme", WebhookSecret("a"))
    async with transaction(engine) as tx:
        change = update(connections).where(connections.c.id == broken)
        await tx.execute(change.values(credentials=b"sealed by another key"))
    acme, other = await directory.find("acme"), await directory.find("broken")
    assert acme is not None
    assert other is not None
    assert (acme.secrets, other.secrets) == ((b"a",), ())


async def set_database_available(postgres: str, database_url: str, action: str) -> None:
    """Makes a database unavailable to its users, and available again at the end."""
    name = database_url.partition("@/")[2].partition("?")[0]
    driver = await asyncpg.connect(postgres)
    if action == "gone":
        await driver.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
        await driver.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
    else:
        await driver.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")
    await driver.close()
