"""The web server's application, for hosts that bring an HTTP server of their own: `showup.cli.asgi:app`.

`showup serve` doesn't use it: its own server also limits connections and heads. A host like Modal does that itself. The
workers run elsewhere, with `showup work`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from showup.container import Container

# The shapes of ASGI, https://asgi.readthedocs.io/en/latest/specs/main.html
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]


class HostedApp:
    """Opens the database when the host starts it, and closes it when the host stops it (ASGI's lifespan)."""

    def __init__(self) -> None:
        self._app: App | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass requests on to the application of the open container."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._app is None:
            raise RuntimeError("The host must run ASGI's lifespan protocol before it sends requests.")
        else:
            await self._app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with AsyncExitStack() as stack:
            try:
                self._app = await stack.enter_async_context(open_app())
            except Exception as fault:
                await send({"type": "lifespan.startup.failed", "message": str(fault)})
                raise
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


@asynccontextmanager
async def open_app() -> AsyncIterator[App]:
    """Migrate the database, and open the application with the settings of the environment.

    At the end, it stores and answers the webhooks that came before. Raises CliError, an EmbeddedError or
    DatabaseUnavailable.
    """
    from showup import logs
    from showup.cli.settings_check import load_checked
    from showup.container import open_container, open_database, prepare_database
    from showup.sync_settings import sync_connections, sync_policy

    settings = load_checked()
    logs.configure(settings.log_level, settings.log_format)
    database = open_database(settings)
    # Neither may block the event loop, which is the host's.
    config, _ = await asyncio.to_thread(database.__enter__)
    try:
        await prepare_database(config)
        await sync_policy(config, settings)
        await sync_connections(config, settings)
        async with open_container(settings, config) as container, _stores_webhooks(container):
            yield container.asgi_app
    finally:
        await asyncio.to_thread(database.__exit__, None, None, None)


@asynccontextmanager
async def _stores_webhooks(container: "Container") -> AsyncIterator[None]:
    await container.directory.refresh()
    writer_task = asyncio.create_task(container.ingest_writer.run())
    try:
        yield
    finally:
        container.live_feed.close()
        writer_task.cancel()
        with suppress(asyncio.CancelledError):
            await writer_task


app = HostedApp()
