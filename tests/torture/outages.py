"""The deployment of R4: no process of Showup dies, but its PostgreSQL is unreachable for a while, in various ways."""

import asyncio
import errno
import random
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import ClassVar

import asyncpg
import psutil

from tests.torture.load_sender import LoadSender
from tests.torture.programs import postmaster, suspended, wait_until_gone
from tests.torture.single_serve import SingleServe

_REFUSALS = 40
_LONG_FOR = 15.0
_TERMINATE_QUERY = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> ALL($1)"
)


class Outages(SingleServe):
    """One `showup serve`, which keeps running; it refuses what needs the database until the database answers again."""

    targets: ClassVar[Sequence[str]] = ("restart", "cut", "connections held", "hang", "long hang")

    async def inject_fault(self, target: str, rng: random.Random, sender: LoadSender) -> None:
        outages: dict[str, Callable[[LoadSender], Awaitable[None]]] = {
            "restart": self._restart,
            "cut": self._terminate_backends,
            "connections held": self._hold_connections,
            "hang": self._hang,
            "long hang": self._hang_long,
            "disk full": self._fill_disk,
        }
        if target in outages:
            await outages[target](sender)
        else:
            await super().inject_fault(target, rng, sender)

    async def _restart(self, _sender: LoadSender) -> None:
        server = self._server()
        # As `pg_ctl stop -m fast` does; Showup must start PostgreSQL again.
        server.send_signal(signal.SIGINT)
        await asyncio.to_thread(wait_until_gone, [server])

    async def _terminate_backends(self, _sender: LoadSender) -> None:
        connection = await asyncpg.connect(self.dsn)
        await connection.execute(_TERMINATE_QUERY.replace("$1", f"ARRAY[{connection.get_server_pid()}]"))
        await connection.close()

    async def _hold_connections(self, sender: LoadSender) -> None:
        async with AsyncExitStack() as stack:
            # It takes a while to open all connections; webhooks that are sent meanwhile would meet no outage.
            async with sender.paused():
                await stack.enter_async_context(_all_connections(self.dsn))
            await sender.wait_for_refusals(_REFUSALS)

    async def _hang(self, sender: LoadSender) -> None:
        server = self._server()
        with suspended([server, *server.children()]):
            await sender.wait_for_refusals(_REFUSALS)

    async def _hang_long(self, sender: LoadSender) -> None:
        server = self._server()
        # Longer than every timeout that Showup has for a connection.
        with suspended([server, *server.children()]), suppress(TimeoutError):
            async with asyncio.timeout(_LONG_FOR):
                await sender.wait_for_refusals(sys.maxsize)

    async def _fill_disk(self, sender: LoadSender) -> None:
        with _disk_filled(self.data / "filler"):
            await sender.wait_for_refusals(_REFUSALS)

    def _server(self) -> psutil.Process:
        server = postmaster(self.data)
        assert server is not None, "PostgreSQL is down before the fault"
        return server


@asynccontextmanager
async def _all_connections(dsn: str) -> AsyncIterator[None]:
    """Opens every connection that the server allows, and so takes those of Showup."""
    async with AsyncExitStack() as stack:
        own_connections: list[asyncpg.Connection] = []
        while True:
            try:
                connection = await asyncpg.connect(dsn)
            except asyncpg.TooManyConnectionsError:
                if not await own_connections[0].fetch(
                    _TERMINATE_QUERY, [own.get_server_pid() for own in own_connections]
                ):
                    break
                continue
            stack.push_async_callback(connection.close)
            own_connections.append(connection)
        yield


@contextmanager
def _disk_filled(filler: Path) -> Iterator[None]:
    """Fills the disk of the file to the last byte."""
    try:
        with filler.open("wb", buffering=0) as file:
            for size in (1024 * 1024, 4096, 1):
                _fill(file, bytes(size))
        yield
    finally:
        filler.unlink(missing_ok=True)


def _fill(file: FileIO, chunk: bytes) -> None:
    try:
        while True:
            file.write(chunk)
    except OSError as fault:
        if fault.errno != errno.ENOSPC:
            raise
