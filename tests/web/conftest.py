"""Fixtures: the app over the sample data, and HTTP clients with its API keys, all in one process."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeAlias
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import ASGIApp

from showup.access.connection import Connection
from showup.container import event_handlers
from showup.database.engine import connect
from showup.dispatch.connection_check import ConnectionCheck
from showup.web.app import create_app
from showup.web.http.middleware import with_middleware
from tests.conftest import TEMPLATE, with_database
from tests.web import scenario as scenes
from tests.web.sample_data import ADMIN_KEY, NOW, full_sample_data, key_of
from tests.web.scenario import Scenario, ticking_clock

ClientFactory: TypeAlias = Callable[[str], httpx2.AsyncClient]


async def copy_database(postgres: str, template: str) -> str:
    """Copy the template database and return the copy's address."""
    name = f"cast_{uuid4().hex}"
    driver = await asyncpg.connect(postgres)
    await driver.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    await driver.close()
    return with_database(postgres, name)


async def make_sample_database(postgres: str) -> str:
    url = await copy_database(postgres, TEMPLATE)
    engine = connect(url)
    await full_sample_data().insert_into(engine)
    await engine.dispose()
    return url


async def make_scenario_database(postgres: str) -> str:
    url = await copy_database(postgres, TEMPLATE)
    engine = connect(url)
    await scenes.create_scenario(engine, ticking_clock())
    await engine.dispose()
    return url


def client_of(served_app: ASGIApp, name: str) -> httpx2.AsyncClient:
    """Return a client that sends the API key of this name."""
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=served_app),
        base_url="http://showup.example",
        headers={"Authorization": f"Bearer {key_of(name)}"},
    )


@pytest.fixture(scope="session")
def shared_sample_database(postgres: str) -> str:
    """A database with the sample data, shared by all tests that change nothing."""
    return asyncio.run(make_sample_database(postgres))


@pytest.fixture
def own_sample_database(postgres: str) -> str:
    """A database with the sample data for one test only, for a test that changes something."""
    return asyncio.run(make_sample_database(postgres))


@pytest.fixture
async def sample_engine(request: pytest.FixtureRequest, shared_sample_database: str) -> AsyncIterator[AsyncEngine]:
    has_own_database = "own_sample_database" in request.fixturenames
    engine = connect(
        request.getfixturevalue("own_sample_database") if has_own_database else shared_sample_database, pool_size=3
    )
    yield engine
    await engine.dispose()


@pytest.fixture
async def app(sample_engine: AsyncEngine) -> FastAPI:
    return create_app(
        engine=sample_engine, clock=lambda: NOW, admin_key=ADMIN_KEY, version="0.0.0", event_handlers=event_handlers()
    )


@pytest.fixture
def served_app(app: FastAPI) -> ASGIApp:
    """The app with the middleware that production uses."""
    return with_middleware(app, cors_origins=["https://app.example"])


@pytest.fixture
async def anonymous(served_app: ASGIApp) -> AsyncIterator[httpx2.AsyncClient]:
    """A client without a key."""
    transport = httpx2.ASGITransport(app=served_app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://showup.example") as client:
        yield client


@pytest.fixture
def client_as(served_app: ASGIApp) -> ClientFactory:
    """A factory of clients: takes the name of an API key."""

    return lambda name: client_of(served_app, name)


@pytest.fixture
def reader(client_as: ClientFactory) -> httpx2.AsyncClient:
    return client_as("reader")


@pytest.fixture(scope="session")
def scenario_template(postgres: str) -> str:
    """The name of a database that contains the scenario, used as a template."""
    return urlsplit(asyncio.run(make_scenario_database(postgres))).path.removeprefix("/")


@pytest.fixture
async def scenario(postgres: str, scenario_template: str) -> AsyncIterator[Scenario]:
    """The scenario, in a database for this test only."""
    engine = connect(await copy_database(postgres, scenario_template), pool_size=10)
    yield Scenario(engine)
    await engine.dispose()


async def reach_nothing(connection: Connection) -> ConnectionCheck:
    """Tests a connection in an app that reaches no other system."""
    return ConnectionCheck(faults=[f"{connection.kind} can't be reached"])


@pytest.fixture
def scenario_client_as(scenario: Scenario) -> ClientFactory:
    """A factory of clients of the scenario's app: takes the name of an API key."""
    app = create_app(
        engine=scenario.engine,
        clock=ticking_clock(),
        admin_key=ADMIN_KEY,
        version="0.0.0",
        event_handlers=event_handlers(),
        check_connection=reach_nothing,
    )
    served_app = with_middleware(app, cors_origins=[])
    return lambda name: client_of(served_app, name)


@pytest.fixture
def writer(scenario_client_as: ClientFactory) -> httpx2.AsyncClient:
    return scenario_client_as("writer")
