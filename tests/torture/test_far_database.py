"""R4: a database that is far away is slow, and no outage: Showup starts on it, keeps webhooks, and ends."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.simulation.wire import Door, Outgoing
from tests.conftest import RUN_FOLDER
from tests.serving import SECRET
from tests.torture.client_workspace import SECRET_KEY
from tests.torture.conftest import SEED
from tests.torture.programs import Program
from tests.torture.rounds import PING
from tests.torture.sending import Sender, Sent

# Each way: to read the accounts takes more time than the door has, and to keep a webhook less.
_ON_THE_WAY_FOR = 0.02


@pytest.fixture
def said(request: pytest.FixtureRequest) -> Path:
    return request.config.stash[RUN_FOLDER] / f"{uuid4().hex}.log"


async def test_it_starts_and_keeps_what_comes(database_url: str, engine: AsyncEngine, said: Path) -> None:
    async with _far(database_url) as url:
        serve = Program(said, "serve", "--no-work", "--port", "0", DATABASE_URL=url, SHOWUP_SECRET_KEY=SECRET_KEY)
        try:
            address = await asyncio.to_thread(serve.hear, r"running at (\S+)")
            sent = Sent()
            sender = Sender(lambda: [address], random.Random(SEED), sent)  # noqa: S311  # chance of no weight
            await sender.send([Outgoing(Door("/webhooks/calcom/default", SECRET), PING)])
            await asyncio.to_thread(serve.end)
        finally:
            serve.kill()
    async with engine.connect() as tx:
        kept = await tx.exec_driver_sql("SELECT digest FROM calcom_events WHERE duplicate_of IS NULL")
        assert [row.digest for row in kept] == [one.digest for one in sent.promises]


@asynccontextmanager
async def _far(url: str) -> AsyncIterator[str]:
    """The same database at the end of a long line."""
    near = f"{parse_qs(urlsplit(url).query)['host'][0]}/.s.PGSQL.5432"

    async def link(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_unix_connection(near)
        await asyncio.gather(_carried(reader, ours), _carried(theirs, writer))

    server = await asyncio.start_server(link, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"postgresql://showup@127.0.0.1:{port}{urlsplit(url).path}?sslmode=disable"


async def _carried(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while some := await reader.read(2**16):
            await asyncio.sleep(_ON_THE_WAY_FOR)  # the distance itself
            writer.write(some)
    except ConnectionError:
        pass
    finally:
        writer.close()
