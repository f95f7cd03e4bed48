"""Fixtures: browsers of the sample's teammates without a script, and a site for real ones."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import httpx2
import pytest
from playwright.sync_api import Browser as Chromium
from starlette.types import ASGIApp

from showup.access.sessions_store import csrf_token_of
from showup.clock import Clock
from showup.container import event_handlers
from showup.web.app import create_app
from showup.web.http.middleware import with_middleware
from tests.database_pool import DatabasePool
from tests.web.dashboard.browsing import open_browser
from tests.web.dashboard.site import Site, running_site
from tests.web.sample_data import ADMIN_KEY, session_of
from tests.web.scenario import Scenario, ticking_clock


class Browser:
    """Sends a teammate's cookie with each request, and the session's token with each form."""

    def __init__(self, app: ASGIApp, name: str | None, **headers: str) -> None:
        cookies = {} if name is None else {"showup_session": session_of(name)}
        self.csrf = csrf_token_of(session_of(name or ""))
        self.client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app),
            base_url="http://showup.example",
            cookies=cookies,
            headers={"Sec-Fetch-Site": "same-origin", **headers},
        )

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        return await self.client.get(path, headers=headers)

    async def post(self, path: str, *, headers: dict[str, str] | None = None, **fields: Any) -> httpx2.Response:
        return await self.client.post(path, data={"csrf": self.csrf, **fields}, headers=headers or {})


BrowserFactory: TypeAlias = Callable[..., Browser]


@pytest.fixture
def browser_of(served_app: ASGIApp) -> BrowserFactory:
    """A factory of browsers: takes a teammate's name, None for a stranger, and headers."""
    return lambda name, **headers: Browser(served_app, name, **headers)


@pytest.fixture
def teammate_of(scenario: Scenario) -> BrowserFactory:
    """A factory of browsers on the scenario: takes a teammate's name, and the clock of their server."""
    engine, handlers = scenario.engine, event_handlers()

    def open_browser(name: str, clock: Clock | None = None) -> Browser:
        clock = clock or ticking_clock()
        app = create_app(engine=engine, clock=clock, admin_key=ADMIN_KEY, version="0", event_handlers=handlers)
        return Browser(with_middleware(app, cors_origins=[]), name)

    return open_browser


@pytest.fixture(scope="module")
def site(database_pool: DatabasePool, scenario_template: str) -> Iterator[Site]:
    """The scenario, served over HTTP to the tests of one module."""
    taken = asyncio.run(database_pool.take(scenario_template))
    with running_site(taken.url, ticking_clock()) as site:
        yield site
    asyncio.run(database_pool.give_back(taken))


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    """A real browser, without pages."""
    with open_browser() as browser:
        yield browser
