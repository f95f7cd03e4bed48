"""What a process below `showup serve` or `showup work` runs: `python -m showup.commands.child web FD | work | deliver`.

Its stdin brings one line of JSON, and then nothing: when it ends, so does the process. However the parent
dies, the system closes the other end, and no child stays behind.
"""

import asyncio
import gc
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

import msgspec
import structlog
import uvicorn
import uvloop

from showup import logs
from showup.assembly import Ground, House, deliverer, house
from showup.commands.refusal import sentence_of
from showup.settings import Settings, load

_STDIN, _STDOUT = 0, 1
_ANSWERED_WITHIN = 1
# A process whose loop hangs would never see that it should end.
_ENDED_WITHIN = 5.0

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


def _line() -> bytes:
    read = b""
    while not read.endswith(b"\n"):
        some = os.read(_STDIN, 1)
        if not some:
            # Told to end before there was anything to do, or called by hand.
            sys.exit(0)
        read += some
    return read


def _end_with_parent(loop: asyncio.AbstractEventLoop, stop: asyncio.Event, listening: socket.socket | None) -> None:
    parent = os.getppid()
    while os.read(_STDIN, 1):
        pass
    if listening is not None and os.getppid() != parent:
        # Nobody told us to end: whoever is started in our parent's place wants the address at once.
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(stop.set)
    time.sleep(_ENDED_WITHIN)
    os._exit(1)


async def _run(settings: Settings, ground: Ground, arguments: list[str]) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    kind, *rest = arguments
    listening = socket.socket(fileno=int(rest[0])) if kind == "web" else None
    threading.Thread(target=_end_with_parent, args=(loop, stop, listening), daemon=True).start()
    async with house(settings, ground, direct=kind != "web") as built:
        if listening is not None:
            await web(built, listening, stop)
        elif kind == "deliver":
            await deliver(built, ground, stop)
        else:
            await work(built, stop)


def main() -> NoReturn:
    """One child, from its first line to its end."""
    # Ctrl-C reaches every process of a terminal; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ground = msgspec.json.decode(_line(), type=Ground)
    settings = load()
    logs.configure(settings.log_level, settings.log_format)
    try:
        uvloop.run(_run(settings, ground, sys.argv[1:]))
    except Exception as fault:
        if (sentence := sentence_of(fault)) is None:
            raise
        _log.error("process_ends", because=sentence)
        sys.exit(1)
    sys.exit(0)


if __name__ == "__main__":
    main()
