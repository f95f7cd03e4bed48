"""The app over the whole cast, asked in this process, and who asks."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeAlias
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
from tests.web.cast import ADMIN_KEY, NOW, key_of, whole_cast

Asking: TypeAlias = Callable[[str], httpx2.AsyncClient]


async def make_cast(postgres: str) -> str:
    name = f"cast_{uuid4().hex}"
    driver = await asyncpg.connect(postgres)
    await driver.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    await driver.close()
    engine = connect(of_database(postgres, name))
    await whole_cast().play(engine)
    await engine.dispose()
    return of_database(postgres, name)


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

    def client(name: str) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=doors),
            base_url="http://showup.example",
            headers={"Authorization": f"Bearer {key_of(name)}"},
        )

    return client


@pytest.fixture
def reader(asking: Asking) -> httpx2.AsyncClient:
    return asking("reader")
