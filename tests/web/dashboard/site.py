"""The app with the sample data on a real port of this machine, in a thread: browsers and streams need one."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeAlias

import uvicorn
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import ASGIApp

from showup.access.secrets_at_rest import Seal
from showup.assistant.tool_context import AssistantServices
from showup.container import event_handlers
from showup.database.engine import connect
from showup.destinations.public_addresses import AddressPolicy
from showup.web.app import create_app
from showup.web.http.app_state import ConnectionTest, MailSecrets
from showup.web.http.middleware import with_middleware
from showup.web.live.feed import LiveFeed
from tests.web.sample_data import ADMIN_KEY

SEAL = Seal(["a key for tests"])


class Site:
    """A running app: `address`, and a way to change its database."""

    def __init__(self, engine: AsyncEngine, feed: LiveFeed, loop: asyncio.AbstractEventLoop, port: int) -> None:
        self.engine = engine
        self.feed = feed
        self.loop = loop
        self.address = f"http://127.0.0.1:{port}"

    def execute(self, statement: str, **values: Any) -> list[Any]:
        """Runs a statement, and returns its rows."""

        async def run() -> list[Any]:
            async with self.engine.begin() as tx:
                result = await tx.execute(text(statement), values)
                return list(result.all()) if result.returns_rows else []

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(20)


ServicesFactory: TypeAlias = Callable[[AsyncEngine], AssistantServices]
CheckFactory: TypeAlias = Callable[[AsyncEngine], ConnectionTest]


async def _serve(
    database_url: str,
    clock: Callable[[], datetime],
    started: Future[Site],
    stop: asyncio.Event,
    services_of: ServicesFactory | None,
    wrap: Callable[[ASGIApp], ASGIApp],
    check_of: CheckFactory | None,
) -> None:
    engine = connect(database_url, pool_size=6)
    feed = LiveFeed(engine)
    app = create_app(
        engine=engine,
        clock=clock,
        admin_key=ADMIN_KEY,
        version="0",
        event_handlers=event_handlers(),
        live_feed=feed,
        mail_secrets=MailSecrets(seal=SEAL),
        assistant_services=None if services_of is None else services_of(engine),
        check_connection=None if check_of is None else check_of(engine),
        # The vendors of tests are on this machine.
        address_policy=AddressPolicy(allow_private=check_of is not None),
    )
    with socket.create_server(("127.0.0.1", 0)) as listen_socket:
        served = wrap(with_middleware(app, cors_origins=[]))
        server = uvicorn.Server(uvicorn.Config(served, lifespan="off", log_config=None, timeout_graceful_shutdown=5))
        task = asyncio.create_task(server.serve([listen_socket]))
        started.set_result(Site(engine, feed, asyncio.get_running_loop(), listen_socket.getsockname()[1]))
        await stop.wait()
        server.should_exit = True
        feed.close()
        await task
    await engine.dispose()


@contextmanager
def running_site(
    database_url: str,
    clock: Callable[[], datetime],
    services_of: ServicesFactory | None = None,
    wrap: Callable[[ASGIApp], ASGIApp] = lambda app: app,
    check_of: CheckFactory | None = None,
) -> Iterator[Site]:
    """Runs the app until the end; `services_of` builds what the assistant uses, `wrap` surrounds the app.

    `check_of` builds what tests connections, on this machine too; without it, they are not tested.
    """
    started: Future[Site] = Future()
    stop = asyncio.Event()
    thread = threading.Thread(
        target=lambda: asyncio.run(_serve(database_url, clock, started, stop, services_of, wrap, check_of)), daemon=True
    )
    thread.start()
    site = started.result(20)
    try:
        yield site
    finally:
        site.loop.call_soon_threadsafe(stop.set)
        thread.join(20)
