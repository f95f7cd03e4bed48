"""S01, S02, S03: attacks on the connections of a real `showup serve` cost no memory and delay no webhook."""

import contextlib
import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from signal import SIGTERM
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
import pytest

from showup.sources.calcom.signature import sign
from showup.web.http.body_limits import MAX_BODY_BYTES
from tests.conftest import RUN_FOLDER
from tests.showup_process import SECRET, ShowupProcess, booking_body

# Bytes that an attack may send on one connection, if the server accepts them.
MOST_SENT = 64 * 1024 * 1024
MOST_GROWTH = 64 * 1024 * 1024
WEBHOOKS_A_SECOND = 20
OPEN_FILES = 1024
DEADLINE = 10.0
# The promise is 0.5 s on a quiet machine; other tests use this one. Without the limits, a webhook waited until the
# deadline of the attack's connections.
LONGEST_ANSWER = DEADLINE - 2


@pytest.fixture(scope="module")
def showup(request: pytest.FixtureRequest) -> Iterator[ShowupProcess]:
    process = ShowupProcess(SHOWUP_DATA_DIR=str(request.config.stash[RUN_FOLDER] / uuid4().hex[:8]))
    for web in process.children("web"):
        web.rlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    yield process
    assert process.stop(SIGTERM) == 0


class WebhookSender(threading.Thread):
    """Sends webhooks at a fixed rate, each on its own connection, and measures them and the web process's memory."""

    def __init__(self, showup: ShowupProcess) -> None:
        super().__init__()
        self._showup = showup
        (self._web,) = showup.children("web")
        self._stopped = threading.Event()
        self.statuses: list[int] = []
        self.longest = 0.0
        self.first_size = self.largest_size = self._web.memory_info().rss

    def run(self) -> None:
        while not self._stopped.wait(1 / WEBHOOKS_A_SECOND):
            body = booking_body()
            signature = {"X-Cal-Signature-256": sign(SECRET.encode(), body), "Connection": "close"}
            start = time.monotonic()
            with contextlib.suppress(httpx2.TransportError):
                url = f"{self._showup.address}/webhooks/calcom"
                self.statuses.append(httpx2.post(url, content=body, headers=signature, timeout=30).status_code)
                self.longest = max(self.longest, time.monotonic() - start)
                self.largest_size = max(self.largest_size, self._web.memory_info().rss)
                continue
            self.statuses.append(0)

    def finish(self) -> None:
        self._stopped.set()
        self.join()


@contextmanager
def unharmed(showup: ShowupProcess) -> Iterator[None]:
    """Check that webhooks are answered in time meanwhile, and that memory stays bounded."""
    # What the first webhooks take once is not the attack's.
    for _ in range(20):
        showup.post().raise_for_status()
    sender = WebhookSender(showup)
    sender.start()
    try:
        yield
    finally:
        sender.finish()
    assert set(sender.statuses) == {200}, sender.statuses
    assert sender.longest < LONGEST_ANSWER
    assert sender.largest_size - sender.first_size < MOST_GROWTH


def connect(showup: ShowupProcess, *, receive_buffer: int | None = None) -> socket.socket:
    address = urlsplit(showup.address)
    connection = socket.socket()
    if receive_buffer is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(2)
    connection.connect((address.hostname, address.port))
    return connection


def send_repeatedly(connection: socket.socket, piece: bytes) -> int:
    """Send until the server stops reading, closes, or the limit is reached; return the number of bytes."""
    sent = 0
    with contextlib.suppress(OSError):
        while sent < MOST_SENT:
            sent += connection.send(piece)
    return sent


def read_status(connection: socket.socket, *, timeout: float = DEADLINE + 10) -> int:
    """Return the status of the next response; 0 if the server closes the connection without one."""
    connection.settimeout(timeout)
    received = b""
    with contextlib.suppress(ConnectionError):
        while b"\r\n\r\n" not in received and (piece := connection.recv(65536)):
            received += piece
    return int(received.split()[1]) if received else 0


@pytest.mark.parametrize(
    ("start", "piece", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\nX: ", b"v" * 65536, 431),
        (b"GET /healthz HTTP/1.1\r\n", b"a:b\r\n" * 8192, 431),
        (b"GET /", b"u" * 65536, 414),
        (b"POST /webhooks/slack/actions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"a:b\r\n" * 8192, 431),
        (b"POST /webhooks/calcom HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"e" * 65536, 431),
    ],
    ids=["header", "headers", "url", "trailers", "extension"],
)
def test_s01_heads_trailers_and_extensions_without_end(
    showup: ShowupProcess, start: bytes, piece: bytes, status: int
) -> None:
    with unharmed(showup), ExitStack() as opened:
        for _ in range(8):
            connection = opened.enter_context(connect(showup))
            connection.sendall(start)
            assert send_repeatedly(connection, piece) < MOST_SENT
            assert read_status(connection) == status


def test_s02_pipelined_requests_with_unread_responses(showup: ShowupProcess) -> None:
    requests = b"GET /healthz HTTP/1.1\r\n\r\n" * 4096
    with unharmed(showup), ExitStack() as opened:
        connections = [opened.enter_context(connect(showup, receive_buffer=4096)) for _ in range(8)]
        for connection in connections:
            assert send_repeatedly(connection, requests) < MOST_SENT
        time.sleep(DEADLINE + 2)
        for connection in connections:
            # The server has closed it: to send fails after the responses that had arrived.
            assert send_repeatedly(connection, requests) < MOST_SENT
            with pytest.raises(OSError, match=r"reset|pipe"):
                connection.sendall(requests)


def test_s03_more_idle_connections_than_open_files(showup: ShowupProcess) -> None:
    with unharmed(showup), ExitStack() as opened:
        for _ in range(OPEN_FILES + 76):
            with contextlib.suppress(OSError):
                opened.enter_context(connect(showup))
        time.sleep(2)


@pytest.mark.parametrize(
    ("size", "count", "statuses"),
    [
        # A body of unknown type is refused before it is complete.
        (1_000, 100, {408, 415}),
        # 180 MB. Those beyond the limit of all connections are refused; this client may read the refusal too late.
        (900 * 1024, 200, {0, 408, 415, 503}),
    ],
)
def test_s03_unfinished_bodies_on_every_route(showup: ShowupProcess, size: int, count: int, statuses: set[int]) -> None:
    paths = ["/webhooks/calcom", "/webhooks/calcom?odd=1", "/webhooks/slack/actions", "/webhooks/resend"]
    if size < MAX_BODY_BYTES:
        paths.append("/api/deals")
    with unharmed(showup), ExitStack() as opened:
        connections = [opened.enter_context(connect(showup)) for _ in range(count)]
        for number, connection in enumerate(connections):
            head = f"POST {paths[number % len(paths)]} HTTP/1.1\r\nContent-Length: {size + 1}\r\n\r\n"
            with contextlib.suppress(OSError):
                connection.sendall(head.encode() + b"b" * size)
        started = time.monotonic()
        assert {read_status(connection) for connection in connections} <= statuses
        assert time.monotonic() - started < DEADLINE + 5
