import socket
from collections.abc import AsyncIterator

import pytest

from tests.simulation.fake_showup import FakeShowup, serve


@pytest.fixture
async def fake_showup() -> AsyncIterator[FakeShowup]:
    async with serve(FakeShowup()) as showup:
        yield showup


@pytest.fixture
def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
