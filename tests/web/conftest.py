"""The app over the whole cast, asked in this process, and who asks."""

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

from showup.database.engine import connect
from showup.web.app import create_app
from showup.web.every_answer import completed
from tests.conftest import TEMPLATE, of_database
from tests.web import scene as scenes
from tests.web.cast import ADMIN_KEY, NOW, key_of, whole_cast
from tests.web.scene import Scene, ticking

Asking: TypeAlias = Callable[[str], httpx2.AsyncClient]


async def copied(postgres: str, template: str) -> str:
    """The address of a new database like the template."""
    name = f"cast_{uuid4().hex}"
    driver = await asyncpg.connect(postgres)
    await driver.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    await driver.close()
    return of_database(postgres, name)


async def make_cast(postgres: str) -> str:
    url = await copied(postgres, TEMPLATE)
    engine = connect(url)
    await whole_cast().play(engine)
    await engine.dispose()
    return url


async def make_scene(postgres: str) -> str:
    url = await copied(postgres, TEMPLATE)
    engine = connect(url)
    await scenes.play(engine, ticking())
    await engine.dispose()
    return url


def client_of(doors: ASGIApp, name: str) -> httpx2.AsyncClient:
    """Asks the doors with the key of this name."""
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=doors),
        base_url="http://showup.example",
        headers={"Authorization": f"Bearer {key_of(name)}"},
    )


@pytest.fixture(scope="session")
def read_only_cast(postgres: str) -> str:
    """A database with the whole cast, shared by all tests that change nothing."""
    return asyncio.run(make_cast(postgres))


@pytest.fixture
def changes(postgres: str) -> str:
    """Asked for by a test that changes something: the cast is then its own."""
    return asyncio.run(make_cast(postgres))


@pytest.fixture
async def cast_engine(request: pytest.FixtureRequest, read_only_cast: str) -> AsyncIterator[AsyncEngine]:
    own = "changes" in request.fixturenames
    engine = connect(request.getfixturevalue("changes") if own else read_only_cast, pool_size=3)
    yield engine
    await engine.dispose()


@pytest.fixture
async def app(cast_engine: AsyncEngine) -> FastAPI:
    return create_app(engine=cast_engine, clock=lambda: NOW, admin_key=ADMIN_KEY, version="0.0.0")


@pytest.fixture
def doors(app: FastAPI) -> ASGIApp:
    """The app as it is served."""
    return completed(app, cors_origins=["https://app.example"])


@pytest.fixture
async def anybody(doors: ASGIApp) -> AsyncIterator[httpx2.AsyncClient]:
    """A client without a key."""
    wire = httpx2.ASGITransport(app=doors)
    async with httpx2.AsyncClient(transport=wire, base_url="http://showup.example") as client:
        yield client


@pytest.fixture
def asking(doors: ASGIApp) -> Asking:
    """A client with the key of this name."""

    return lambda name: client_of(doors, name)


@pytest.fixture
def reader(asking: Asking) -> httpx2.AsyncClient:
    return asking("reader")


@pytest.fixture(scope="session")
def played(postgres: str) -> str:
    """The name of a database in which the scene is set, to be copied."""
    return urlsplit(asyncio.run(make_scene(postgres))).path.removeprefix("/")


@pytest.fixture
async def scene(postgres: str, played: str) -> AsyncIterator[Scene]:
    """What came through the door, in a database of the test's own."""
    engine = connect(await copied(postgres, played), pool_size=10)
    yield Scene(engine)
    await engine.dispose()


@pytest.fixture
def acting(scene: Scene) -> Asking:
    """A client with the key of this name, in the scene."""
    app = create_app(engine=scene.engine, clock=ticking(), admin_key=ADMIN_KEY, version="0.0.0")
    doors = completed(app, cors_origins=[])
    return lambda name: client_of(doors, name)


@pytest.fixture
def writer(acting: Asking) -> httpx2.AsyncClient:
    return acting("writer")
