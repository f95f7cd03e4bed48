import socket
from collections.abc import AsyncIterator

import pytest

from tests.simulation.house import House, open_house


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house(House()) as opened:
        yield opened


@pytest.fixture
def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port
