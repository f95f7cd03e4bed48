"""What a child does that answers requests, until it is told to stop."""

import asyncio
import gc
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn

from showup.assembly import House
from showup.commands.parent import say_ready
from showup.web.connection import connections_to

_ANSWERED_WITHIN = 1


class _Server(uvicorn.Server):
    """Tells when it serves, and leaves the signals alone."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        say_ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def web(built: House, listening: socket.socket, stop: asyncio.Event) -> None:
    """Serve on a listening socket until `stop`; what came in before is still kept and answered."""
    await built.directory.refresh()
    server = _Server(_configuration(built))
    # What stands by now stays: looking through all of it again and again would make every request wait for 50 ms.
    gc.collect()
    gc.freeze()
    keeping = asyncio.create_task(built.keeper.run())
    serving = asyncio.create_task(server.serve([listening]))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({keeping, serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await serving
    stopping.cancel()
    # A keeper that ended by itself is a fault: its exception is this process's.
    if not keeping.done():
        keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping


def _configuration(built: House) -> uvicorn.Config:
    proxies = [str(network) for network in built.settings.trusted_proxies]
    return uvicorn.Config(
        built.door,
        lifespan="off",
        loop="uvloop",
        http=connections_to(built.webhook_door, proxies),
        ws="none",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        timeout_graceful_shutdown=_ANSWERED_WITHIN,
    )
