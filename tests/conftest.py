"""One PostgreSQL for a whole test run, and a separate database for each test that needs one."""

import asyncio
import gc
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import settings
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.embedded.server import EmbeddedPostgres
from showup.database.engine import connect, transaction
from showup.database.migrate import upgrade
from showup.database.tables import connections, workspaces
from tests.database_pool import TEMPLATE, DatabasePool, with_database
from tests.histories.hypothesis_settings import HISTORIES

RUN_FOLDER = pytest.StashKey[Path]()
# The databases of tests need not survive a crash: each run creates them again.
UNSAFE_SETTINGS = ("fsync = off", "synchronous_commit = off", "full_page_writes = off")

# The suite generates the same examples in each run, so that only a change can make it fail. `make histories` searches
# for new ones.
settings.register_profile("suite", derandomize=not HISTORIES)
settings.load_profile("suite")


def pytest_configure(config: pytest.Config) -> None:
    shared_folder = getattr(config, "workerinput", {}).get("run_folder")
    # A short path, because socket paths have a limit; accessible to the account that runs PostgreSQL if we are root.
    folder = Path(shared_folder or tempfile.mkdtemp(prefix="showup-"))
    folder.chmod(0o755)
    config.stash[RUN_FOLDER] = folder


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: "pytest.Item") -> None:
    node.workerinput["run_folder"] = str(node.config.stash[RUN_FOLDER])  # type: ignore[attr-defined] # xdist's


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Starts the tests that may take longest first: else the run would end with one worker busy.

    With `--dist worksteal`, each worker begins with as many successive tests as any other.
    """
    workers: int = getattr(config, "workerinput", {}).get("workercount", 1)
    items.sort(key=_time_limit, reverse=True)
    slow = [item for item in items if _time_limit(item)]
    others = items[len(slow) :]
    share = -(-len(others) // workers)
    items[:] = [
        item
        for number in range(workers)
        for item in (*slow[number::workers], *others[number * share : (number + 1) * share])
    ]


def pytest_collection_finish() -> None:
    """Excepts the thousands of collected tests from each search for garbage: they stay until the end of the run."""
    gc.collect()
    gc.freeze()


def _time_limit(item: pytest.Item) -> float:
    marker = item.get_closest_marker("timeout")
    return 0 if marker is None else float(marker.args[0])


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(config.stash[RUN_FOLDER], ignore_errors=True)


async def prepare_template(url: str) -> None:
    """Creates the migrated database that tests copy, unless another worker of this run has created it."""
    driver = await asyncpg.connect(url)
    try:
        await driver.execute("SELECT pg_advisory_lock(1)")
        if not await driver.fetchval("SELECT true FROM pg_database WHERE datname = $1", TEMPLATE):
            for setting in UNSAFE_SETTINGS:
                await driver.execute(f"ALTER SYSTEM SET {setting}")
            await driver.execute("SELECT pg_reload_conf()")
            await driver.execute("CREATE DATABASE being_made")
            await upgrade(with_database(url, "being_made"))
            await driver.execute(f"ALTER DATABASE being_made RENAME TO {TEMPLATE}")
    finally:
        await driver.close()


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of the run's PostgreSQL, which all workers share; tests use `database_url` instead."""
    with EmbeddedPostgres(request.config.stash[RUN_FOLDER] / "data") as server:
        asyncio.run(prepare_template(server.dsn))
        yield server.dsn


@pytest.fixture(scope="session")
def database_pool(postgres: str) -> Iterator[DatabasePool]:
    """The databases of this worker."""
    pool = DatabasePool(postgres)
    yield pool
    pool.close()


@pytest.fixture
async def database_url(database_pool: DatabasePool) -> AsyncIterator[str]:
    """The address of a migrated, empty database that no other test uses meanwhile."""
    async with database_pool.database() as url:
        yield url


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine on the test's own database."""
    engine = connect(database_url, pool_size=10)
    yield engine
    await engine.dispose()


@pytest.fixture
async def workspace(engine: AsyncEngine) -> UUID:
    """The id of the workspace `default`."""
    workspace_id = uuid4()
    async with transaction(engine) as tx:
        await tx.execute(insert(workspaces).values(id=workspace_id, slug="default", name="Default"))
    return workspace_id


@pytest.fixture
async def account(engine: AsyncEngine, workspace: UUID) -> UUID:
    """The id of the workspace's Cal.com account `default`, which has no secrets."""
    account_id = uuid4()
    async with transaction(engine) as tx:
        row = {"id": account_id, "workspace_id": workspace, "kind": "calcom", "name": "default"}
        await tx.execute(insert(connections).values(row))
    return account_id
