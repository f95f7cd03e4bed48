"""Runs the web server of a child process until it is stopped."""

import asyncio
import gc
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import uvicorn

from showup.cli.parent_process import ParentProcess
from showup.container import Container
from showup.web.webhooks.calcom_protocol import protocol_for

_GRACEFUL_TIMEOUT = 1
# Connections that wait to be accepted: together with all open ones, fewer than the usual limit of 1,024 open files.
_BACKLOG = 256


class _UvicornServer(uvicorn.Server):
    """Reports when it serves, and installs no signal handlers."""

    def __init__(self, config: uvicorn.Config, report_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._report_ready = report_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._report_ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def run_web_server(
    container: Container, listen_socket: socket.socket, stop: asyncio.Event, parent: ParentProcess
) -> None:
    """Serves on a listening socket until `stop`; requests received before are still stored and answered.

    With SHOWUP_DRAIN_SECONDS, it also accepts others for so long: a load balancer learns from /readyz that it should
    send them elsewhere.
    """
    await container.directory.refresh()
    server = _UvicornServer(_uvicorn_config(container), parent.report_ready)
    # Existing objects are long-lived: scanning all of them repeatedly would delay every request by 50 ms.
    gc.collect()
    gc.freeze()
    writer_task = asyncio.create_task(container.ingest_writer.run())
    server_task = asyncio.create_task(server.serve([listen_socket]))
    stop_task = asyncio.create_task(stop.wait())
    await asyncio.wait({writer_task, server_task, stop_task}, return_when=asyncio.FIRST_COMPLETED)
    container.draining.set()
    # Open pages would hold their streams; they reconnect to the next process.
    container.live_feed.close()
    # The socket of a dead parent is closed already, so that its successor can have the address.
    if stop.is_set() and parent.is_alive:
        await asyncio.wait({writer_task, server_task}, timeout=container.settings.drain_seconds)
    server.should_exit = True
    await server_task
    stop_task.cancel()
    # An ingest writer that ends by itself is a fault: its exception becomes this process's.
    if not writer_task.done():
        writer_task.cancel()
    with suppress(asyncio.CancelledError):
        await writer_task


def _uvicorn_config(container: Container) -> uvicorn.Config:
    proxies = [str(network) for network in container.settings.trusted_proxies]
    return uvicorn.Config(
        container.asgi_app,
        lifespan="off",
        loop="uvloop",
        http=protocol_for(container.webhook_endpoint, proxies, draining=container.draining),
        ws="none",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        timeout_graceful_shutdown=_GRACEFUL_TIMEOUT,
        backlog=_BACKLOG,
    )
