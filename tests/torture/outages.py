"""R4's stage: nothing of Showup dies, but its PostgreSQL goes away for a while, each time in another manner."""

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

from tests.torture.alone import Alone
from tests.torture.programs import gone, postmaster, stopped
from tests.torture.sending import Sender

_REFUSED = 40
_LONG_FOR = 15.0
_CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> ALL($1)"


class Outages(Alone):
    """One `showup serve`, which keeps running; what needs the database is refused until it is back."""

    victims: ClassVar[Sequence[str]] = ("restart", "cut", "connections held", "hang", "long hang")

    async def strike(self, victim: str, rng: random.Random, sender: Sender) -> None:
        outages: dict[str, Callable[[Sender], Awaitable[None]]] = {
            "restart": self._restart,
            "cut": self._cut,
            "connections held": self._hold_connections,
            "hang": self._hang,
            "long hang": self._hang_long,
            "disk full": self._fill_disk,
        }
        if victim in outages:
            await outages[victim](sender)
        else:
            await super().strike(victim, rng, sender)

    async def _restart(self, _sender: Sender) -> None:
        server = self._server()
        # As `pg_ctl stop -m fast` does; whoever looks after it starts it again.
        server.send_signal(signal.SIGINT)
        await asyncio.to_thread(gone, [server])

    async def _cut(self, _sender: Sender) -> None:
        connection = await asyncpg.connect(self.dsn)
        await connection.execute(_CUT.replace("$1", f"ARRAY[{connection.get_server_pid()}]"))
        await connection.close()

    async def _hold_connections(self, sender: Sender) -> None:
        async with AsyncExitStack() as held:
            # It takes a while to get them all: what is sent meanwhile would meet no outage.
            async with sender.waiting():
                await held.enter_async_context(_all_connections(self.dsn))
            await sender.refused(_REFUSED)

    async def _hang(self, sender: Sender) -> None:
        server = self._server()
        with stopped([server, *server.children()]):
            await sender.refused(_REFUSED)

    async def _hang_long(self, sender: Sender) -> None:
        server = self._server()
        # Long enough for every patience that Showup has with a connection.
        with stopped([server, *server.children()]), suppress(TimeoutError):
            async with asyncio.timeout(_LONG_FOR):
                await sender.refused(sys.maxsize)

    async def _fill_disk(self, sender: Sender) -> None:
        with _full(self.data / "filler"):
            await sender.refused(_REFUSED)

    def _server(self) -> psutil.Process:
        found = postmaster(self.data)
        assert found is not None, "PostgreSQL is down before anybody harmed it"
        return found


@asynccontextmanager
async def _all_connections(dsn: str) -> AsyncIterator[None]:
    """Takes every connection that the server has, those of Showup among them."""
    async with AsyncExitStack() as held:
        ours: list[asyncpg.Connection] = []
        while True:
            try:
                connection = await asyncpg.connect(dsn)
            except asyncpg.TooManyConnectionsError:
                if not await ours[0].fetch(_CUT, [one.get_server_pid() for one in ours]):
                    break
                continue
            held.push_async_callback(connection.close)
            ours.append(connection)
        yield


@contextmanager
def _full(filler: Path) -> Iterator[None]:
    """Leaves no byte of the file's disk to anybody."""
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
