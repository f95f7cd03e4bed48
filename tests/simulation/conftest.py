import socket
from collections.abc import Iterator

import pytest

from tests.simulation.fake_showup import FakeShowup


@pytest.fixture
def fake_showup() -> Iterator[FakeShowup]:
    with FakeShowup() as showup:
        yield showup


@pytest.fixture
def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
