"""What each kind of child does until it is told to stop: it answers, applies, or tells the outside."""

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

import msgspec
import structlog
import uvicorn
import uvloop

from showup import logs
from showup.assembly import Ground, House, deliverer, house
from showup.commands.parent import Parent
from showup.commands.refusal import sentence_of
from showup.settings import Settings, load

_STDOUT = 1
_ANSWERED_WITHIN = 1

_log = structlog.get_logger()


class _Server(uvicorn.Server):
    """Tells when it serves, and leaves the signals alone."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        _ready()

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


async def work(built: House, stop: asyncio.Event) -> None:
    """Apply what is kept until `stop`."""
    _ready()
    await built.applier.run(stop)


async def deliver(built: House, ground: Ground, stop: asyncio.Event) -> None:
    """Tell the outside what is due, until `stop`."""
    async with deliverer(built, ground) as worker:
        _ready()
        await worker.run(stop)


def _configuration(built: House) -> uvicorn.Config:
    # Those who only work have no use for it.
    from showup.web.connection import connections_to

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


def _ready() -> None:
    os.write(_STDOUT, b"ready\n")


async def _run(settings: Settings, ground: Ground, kind: str, parent: Parent) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    parent.when_gone(lambda: loop.call_soon_threadsafe(stop.set))
    async with house(settings, ground, direct=kind != "web") as built:
        if parent.listening is not None:
            await web(built, parent.listening, stop)
        elif kind == "deliver":
            await deliver(built, ground, stop)
        else:
            await work(built, stop)


def run(kind: str, parent: Parent) -> NoReturn:
    """One child of a kind, from its first line to its end."""
    ground = msgspec.json.decode(parent.line(), type=Ground)
    settings = load()
    logs.configure(settings.log_level, settings.log_format)
    try:
        uvloop.run(_run(settings, ground, kind, parent))
    except Exception as fault:
        if (sentence := sentence_of(fault)) is None:
            raise
        _log.error("process_ends", because=sentence)
        sys.exit(1)
    sys.exit(0)
