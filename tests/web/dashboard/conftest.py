"""Fixtures: browsers of the sample's teammates, without a script."""

from collections.abc import Callable
from typing import Any, TypeAlias

import httpx2
import pytest
from starlette.types import ASGIApp

from showup.access.sessions_store import csrf_token_of
from tests.web.sample_data import session_of


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
