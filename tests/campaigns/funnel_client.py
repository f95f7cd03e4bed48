"""The API over one database, at a time that the test sets."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import httpx2
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.container import event_handlers
from showup.web.app import create_app

KEY = "an admin key"


@asynccontextmanager
async def open_api(engine: AsyncEngine, clock: Callable[[], datetime]) -> AsyncIterator[httpx2.AsyncClient]:
    """Yields a client with the right to everything."""
    app = create_app(engine=engine, clock=clock, admin_key=KEY, version="0", event_handlers=event_handlers())
    transport = httpx2.ASGITransport(app=app)
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://showup.example", headers=headers) as client:
        yield client


async def get(client: httpx2.AsyncClient, path: str, **params: Any) -> dict[str, Any]:
    """Returns an answer, which must be a success."""
    answer = await client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found
