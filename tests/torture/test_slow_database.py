"""R4: a distant database is slow but not an outage: Showup starts, stores webhooks and stops."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.simulation.wire import OutgoingWebhook, TargetEndpoint
from tests.conftest import RUN_FOLDER
from tests.showup_process import SECRET
from tests.torture.client_workspace import SECRET_KEY
from tests.torture.conftest import SEED
from tests.torture.load_sender import LoadSender, Sent
from tests.torture.programs import Program
from tests.torture.rounds import PING

# Each way: reading the accounts takes longer than a webhook request may take, and storing a webhook takes less.
_NETWORK_DELAY = 0.02


@pytest.fixture
def log_path(request: pytest.FixtureRequest) -> Path:
    return request.config.stash[RUN_FOLDER] / f"{uuid4().hex}.log"


async def test_it_starts_and_stores_webhooks(database_url: str, engine: AsyncEngine, log_path: Path) -> None:
    async with _slow_database(database_url) as url:
        serve = Program(log_path, "serve", "--no-work", "--port", "0", DATABASE_URL=url, SHOWUP_SECRET_KEY=SECRET_KEY)
        try:
            address = await asyncio.to_thread(serve.wait_for, r"running at (\S+)")
            sent = Sent()
            sender = LoadSender(lambda: [address], random.Random(SEED), sent)  # noqa: S311  # not for security
            await sender.send([OutgoingWebhook(TargetEndpoint("/webhooks/calcom/default", SECRET), PING)])
            await asyncio.to_thread(serve.stop)
        finally:
            serve.kill()
    async with engine.connect() as tx:
        rows = await tx.exec_driver_sql("SELECT digest FROM inbox_events WHERE duplicate_of IS NULL")
        assert [row.digest for row in rows] == [one.digest for one in sent.promises]


@asynccontextmanager
async def _slow_database(url: str) -> AsyncIterator[str]:
    """Relays connections to the same database with a network delay."""
    socket_path = f"{parse_qs(urlsplit(url).query)['host'][0]}/.s.PGSQL.5432"

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_unix_connection(socket_path)
        await asyncio.gather(_forward(reader, server_writer), _forward(server_reader, writer))

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"postgresql://showup@127.0.0.1:{port}{urlsplit(url).path}?sslmode=disable"


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(2**16):
            await asyncio.sleep(_NETWORK_DELAY)  # the delay
            writer.write(chunk)
    except ConnectionError:
        pass
    finally:
        writer.close()
