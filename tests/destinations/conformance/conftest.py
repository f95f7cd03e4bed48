"""The fixtures of a case. All cases share one database, in which each test has its own workspace."""

from collections.abc import AsyncIterator, Iterator
from uuid import UUID, uuid4

import httpx2
import pytest
import pytest_asyncio
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import connect, transaction
from showup.database.tables import connections, workspaces
from tests.database_pool import DatabasePool
from tests.destinations.conformance.subject import DestinationUnderTest, SharedClock
from tests.destinations.conftest import client as client


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_database(database_pool: DatabasePool) -> AsyncIterator[str]:
    """Creates one database for all: creating hundreds would take most of the time."""
    async with database_pool.database() as url:
        yield url


@pytest.fixture
async def engine(shared_database: str) -> AsyncIterator[AsyncEngine]:
    """An engine for the shared database."""
    engine = connect(shared_database, pool_size=5)
    yield engine
    await engine.dispose()


@pytest.fixture
async def workspace(engine: AsyncEngine) -> UUID:
    """A workspace that no other test uses."""
    made = uuid4()
    async with transaction(engine) as tx:
        await tx.execute(insert(workspaces).values(id=made, slug=f"w{made.hex}", name="Default"))
    return made


@pytest.fixture
async def account(engine: AsyncEngine, workspace: UUID) -> UUID:
    """A Cal.com account of the workspace."""
    made = uuid4()
    async with transaction(engine) as tx:
        row = {"id": made, "workspace_id": workspace, "kind": "calcom", "name": f"a{made.hex}"}
        await tx.execute(insert(connections).values(row))
    return made


@pytest.fixture
def subject(
    request: pytest.FixtureRequest, engine: AsyncEngine, workspace: UUID, client: httpx2.AsyncClient
) -> Iterator[DestinationUnderTest]:
    """Starts the fake vendor, which raises at its end if a request violated the vendor's API."""
    time = SharedClock()
    with request.param.start(time) as fake:
        yield DestinationUnderTest(request.param, fake, time, engine, workspace, client)
