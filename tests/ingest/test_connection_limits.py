"""S01, S02, S03: limits that hold on every route before a request reaches it; docs/LIMITS.md has their values."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from starlette.types import Receive, Scope, Send

from showup.clock import system_clock
from showup.web.http.connection_limits import DEFAULT_LIMITS, ConnectionLimits, OpenConnections
from showup.web.webhooks.calcom import WebhookEndpoint
from tests.ingest.conftest import serve_endpoint
from tests.ingest.test_webhook_protocol import (
    BlockingStore,
    SingleAccount,
    build_request,
    read_response,
)

HEAD_BYTES = DEFAULT_LIMITS.head_bytes
CHUNKED = b"POST /any HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
UNFINISHED = b"POST /any HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf"
LARGE = b"x" * 8 * 1024 * 1024
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Awaitable[Connection]]


class SampleApp:
    """Answers with the request that it received; `/large` with 8 MiB, `/early` without reading the body."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.released = asyncio.Event()
        self.released.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.paths.append(scope["path"])
        await self.released.wait()
        size, more = 0, scope["path"] != "/early"
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            size, more = size + len(message.get("body", b"")), message.get("more_body", False)
        names = [name.decode() for name, _ in scope["headers"]]
        body = LARGE if scope["path"] == "/large" else json.dumps({"bytes": size, "headers": names}).encode()
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
def app() -> SampleApp:
    return SampleApp()


Serve = Callable[..., AbstractAsyncContextManager[Connect]]


@pytest.fixture
def serve(app: SampleApp) -> Serve:
    """Serve the application and the webhook endpoint with other limits than the default ones."""

    @asynccontextmanager
    async def serve_with(
        limits: ConnectionLimits = DEFAULT_LIMITS, proxies: tuple[str, ...] = ()
    ) -> AsyncIterator[Connect]:
        store = BlockingStore()
        store.released.set()
        endpoint = WebhookEndpoint(SingleAccount(), store, system_clock, fallback=app)
        writers: list[asyncio.StreamWriter] = []
        async with serve_endpoint(endpoint, proxies, limits) as port:

            async def connect() -> Connection:
                connection = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
                writers.append(connection[1])
                return connection

            yield connect
            for writer in writers:
                writer.close()

    return serve_with


def head_of(size: int, *, target: bytes = b"/any") -> bytes:
    """Return a request without a body, whose head has `size` bytes."""
    start = b"GET %b HTTP/1.1\r\nX: " % target
    return start + b"v" * (size - len(start) - 4) + b"\r\n\r\n"


async def exchange(connection: Connection, sent: bytes, piece: int | None = None) -> bytes:
    """Send bytes, in pieces of one size, and return the response."""
    reader, writer = connection
    for start in range(0, len(sent), piece or len(sent)):
        writer.write(sent[start : start + (piece or len(sent))])
        await asyncio.sleep(0)
    return await read_response(reader)


def status_of(response: bytes) -> int:
    return int(response.split()[1])


async def is_closed(reader: asyncio.StreamReader) -> bool:
    """Return whether the server closes the connection within ten seconds; reads what arrives before."""
    try:
        async with asyncio.timeout(10):
            await reader.read()
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize("piece", [None, 1, 4_001])
async def test_s01_a_head_of_16_kib_is_the_largest(serve: Serve, piece: int | None) -> None:
    async with serve() as connect:
        assert status_of(await exchange(await connect(), head_of(HEAD_BYTES), piece)) == 200
        reader, writer = await connect()
        refused = await exchange((reader, writer), head_of(HEAD_BYTES + 1), piece)
        assert status_of(refused) == 431
        assert b"urn:showup:problem:head-too-large" in refused
        assert b"\r\nx-content-type-options: nosniff\r\n" in refused
        assert await is_closed(reader)


async def test_s01_the_limit_is_counted_for_each_request_of_a_connection(serve: Serve) -> None:
    async with serve() as connect:
        connection = await connect()
        connection[1].write(head_of(HEAD_BYTES) * 3 + head_of(HEAD_BYTES + 1))
        statuses = [status_of(await read_response(connection[0])) for _ in range(4)]
        assert statuses == [200, 200, 200, 431]


async def test_s01_many_small_headers_count(serve: Serve, app: SampleApp) -> None:
    sent = b"GET /any HTTP/1.1\r\n" + b"a:\r\n" * 5_000 + b"\r\n"
    async with serve() as connect:
        assert status_of(await exchange(await connect(), sent)) == 431
        assert app.paths == []


@pytest.mark.parametrize("end", [b"", b" HTTP/1.1\r\n\r\n"])
async def test_s01_a_long_url_is_refused_by_itself(serve: Serve, app: SampleApp, end: bytes) -> None:
    sent = b"GET /" + b"u" * DEFAULT_LIMITS.url_bytes + end
    async with serve() as connect:
        reader, writer = await connect()
        assert status_of(await exchange((reader, writer), sent)) == 414
        assert await is_closed(reader)
        assert app.paths == []


@pytest.mark.parametrize(
    "attack",
    [
        b"0\r\nX: " + b"t" * 2 * HEAD_BYTES,
        b"0\r\n" + b"a:b\r\n" * HEAD_BYTES,
        b"1;" + b"e" * 2 * HEAD_BYTES,
        b"1;eeeeeeeeeeeeeeeeeeee\r\nx\r\n" * 2_000,
        b"0000000000000001\r\nx\r\n" * 2_000,
    ],
)
@pytest.mark.parametrize("path", [b"/any", b"/webhooks/calcom"])
async def test_s01_trailers_and_chunk_extensions_count(serve: Serve, attack: bytes, path: bytes) -> None:
    async with serve() as connect:
        reader, writer = await connect()
        assert status_of(await exchange((reader, writer), CHUNKED.replace(b"/any", path) + attack)) == 431
        assert await is_closed(reader)


@pytest.mark.parametrize("piece", [None, 1_000, 3])
async def test_s01_small_chunks_are_accepted_and_trailers_are_dropped(serve: Serve, piece: int | None) -> None:
    count = 5_000 if piece != 3 else 500
    body = b"1\r\nx\r\n" * count + b"4\r\n\r\n\r\n\r\n" + b"0\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n"
    async with serve() as connect:
        connection = await connect()
        for _ in range(2):
            response = await exchange(connection, CHUNKED + body, piece)
            assert json.loads(response.partition(b"\r\n\r\n")[2]) == {
                "bytes": count + 4,
                "headers": ["transfer-encoding"],
            }


async def test_s02_pipelined_requests_reach_the_application_one_at_a_time(serve: Serve, app: SampleApp) -> None:
    count = 2_000
    app.released.clear()
    async with serve() as connect:
        reader, writer = await connect()
        writer.write(b"".join(b"GET /%d HTTP/1.1\r\n\r\n" % number for number in range(count)))
        other = await connect()
        await asyncio.sleep(0.2)
        assert app.paths == ["/0"]
        assert status_of(await exchange(other, build_request())) == 200
        app.released.set()
        assert {status_of(await read_response(reader)) for _ in range(count)} == {200}
        assert app.paths == [f"/{number}" for number in range(count)]


async def test_s02_waiting_requests_of_all_connections_are_limited(serve: Serve, app: SampleApp) -> None:
    app.released.clear()
    waiting = b"GET /any HTTP/1.1\r\n\r\n" * 1_000
    async with serve(ConnectionLimits(incoming_bytes=len(waiting) * 2)) as connect:
        connections = [await connect() for _ in range(3)]
        for _, writer in connections:
            writer.write(waiting)
        ended, others = await asyncio.wait(
            [asyncio.create_task(is_closed(reader)) for reader, _ in connections],
            return_when=asyncio.FIRST_COMPLETED,
        )
        assert (len(ended), len(others)) == (1, 2)
        app.released.set()
        assert status_of(await exchange(await connect(), build_request())) == 200


async def test_s02_the_body_of_an_upgrade_is_no_request(serve: Serve, app: SampleApp) -> None:
    body = b"GET /smuggled HTTP/1.1\r\n\r\n"
    head = b"POST /any HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: %d\r\n\r\n" % len(body)
    async with serve() as connect:
        reader, writer = await connect()
        assert status_of(await exchange((reader, writer), head + body)) == 200
        assert await is_closed(reader)
        assert app.paths == ["/any"]


async def test_s02_the_socket_is_not_read_while_requests_wait(serve: Serve, app: SampleApp) -> None:
    app.released.clear()
    async with serve() as connect:
        _, writer = await connect()
        writer.write(b"GET /any HTTP/1.1\r\n\r\n" * 2_000_000)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await writer.drain()
        writer.transport.abort()
        app.released.set()


async def test_s02_a_client_that_does_not_read_is_closed(serve: Serve, app: SampleApp) -> None:
    async with serve(ConnectionLimits(drain_seconds=0.3)) as connect:
        reader, writer = await connect()
        reader._transport.pause_reading()  # type: ignore[attr-defined]  # StreamReader reads ahead
        writer.write(b"GET /large HTTP/1.1\r\n\r\n" * 10)
        await asyncio.sleep(1.5)
        reader._transport.resume_reading()  # type: ignore[attr-defined]
        assert await is_closed(reader)
        assert len(app.paths) == 1


async def test_s02_a_client_that_reads_in_time_receives_everything(serve: Serve) -> None:
    async with serve() as connect:
        reader, writer = await connect()
        writer.write(b"GET /large HTTP/1.1\r\n\r\n" * 3 + b"GET /any HTTP/1.1\r\n\r\n")
        for _ in range(3):
            assert (await read_response(reader)).endswith(LARGE)
        assert status_of(await read_response(reader)) == 200


@pytest.mark.parametrize(
    "sent",
    [
        UNFINISHED,
        CHUNKED,
        CHUNKED + b"1\r\nx\r\n",
        CHUNKED + b"0\r\nX: y\r\n",
        b"POST /webhooks/calcom?odd=1 HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf",
        b"GET /any HTTP/1.1\r\nX:",
    ],
)
async def test_s03_every_request_has_a_deadline(serve: Serve, sent: bytes) -> None:
    async with serve(ConnectionLimits(receive_seconds=0.4)) as connect:
        reader, writer = await connect()
        assert status_of(await exchange((reader, writer), build_request())) == 200
        response = await exchange((reader, writer), sent)
        assert status_of(response) == 408
        assert b"\r\nconnection: close\r\n" in response
        assert await is_closed(reader)


async def test_s03_bytes_now_and_then_do_not_move_the_deadline(serve: Serve) -> None:
    async with serve(ConnectionLimits(receive_seconds=0.5)) as connect:
        reader, writer = await connect()
        writer.write(b"POST /any HTTP/1.1\r\nContent-Length: 1000\r\n\r\n")
        response = asyncio.create_task(read_response(reader))
        for _ in range(100):
            if response.done():
                break
            writer.write(b".")
            await asyncio.sleep(0.05)
        assert status_of(response.result()) == 408


@pytest.mark.parametrize("sent_meanwhile", [b"", b"\r\n"])
async def test_s03_an_idle_connection_is_closed_without_an_answer(serve: Serve, sent_meanwhile: bytes) -> None:
    async with serve(ConnectionLimits(idle_seconds=0.3)) as connect:
        reader, writer = await connect()
        assert status_of(await exchange((reader, writer), build_request())) == 200
        writer.write(sent_meanwhile)
        async with asyncio.timeout(10):
            assert await reader.read() == b""


async def test_s03_a_response_before_the_body_ends_the_connection(serve: Serve) -> None:
    async with serve() as connect:
        reader, writer = await connect()
        assert status_of(await exchange((reader, writer), UNFINISHED.replace(b"/any", b"/early"))) == 200
        assert await reader.read() == b""


async def test_s03_the_connections_that_waited_longest_make_room(serve: Serve) -> None:
    limits = ConnectionLimits(connections=4)
    async with serve(limits) as connect:
        waiting = [await connect() for _ in range(3)]
        for _, writer in waiting:
            writer.write(UNFINISHED)
        await asyncio.sleep(0.1)
        for _ in range(8):
            assert status_of(await exchange(await connect(), build_request())) == 200
        assert all([await is_closed(reader) for reader, _ in waiting])


async def test_s03_a_request_that_is_being_answered_keeps_its_connection(serve: Serve, app: SampleApp) -> None:
    app.released.clear()
    async with serve(ConnectionLimits(connections=2)) as connect:
        reader, writer = await connect()
        writer.write(b"GET /any HTTP/1.1\r\n\r\n")
        for _ in range(5):
            assert status_of(await exchange(await connect(), build_request())) == 200
        app.released.set()
        assert status_of(await read_response(reader)) == 200


@pytest.mark.parametrize(("proxies", "open_afterwards"), [((), 2), (("127.0.0.1",), 6)])
async def test_s03_one_address_has_a_share_unless_it_is_a_trusted_proxy(
    serve: Serve, proxies: tuple[str, ...], open_afterwards: int
) -> None:
    async with serve(ConnectionLimits(connections_per_source=2), proxies) as connect:
        connections = [await connect() for _ in range(6)]
        await asyncio.sleep(0.1)
        for reader, writer in connections[-open_afterwards:]:
            assert status_of(await exchange((reader, writer), build_request())) == 200
        assert all([await is_closed(reader) for reader, _ in connections[:-open_afterwards]])


@pytest.mark.parametrize(
    ("host", "source"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "::ffff:192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("192.0.2.1", None),
        (None, None),
    ],
)
def test_s03_a_source_is_an_address_or_an_ipv6_network(host: str | None, source: str | None) -> None:
    assert OpenConnections(DEFAULT_LIMITS, {"192.0.2.1"}.__contains__).source_of(host) == source


def test_s03_the_documented_limits_are_those_of_the_code(request: pytest.FixtureRequest) -> None:
    text = (request.config.rootpath / "docs" / "LIMITS.md").read_text()
    units = {"KiB": 1024, "MiB": 1024 * 1024, "s": 1, "": 1}
    rows = re.findall(r"^\| `(\w+)`: [^|]* \| ([\d,]+) ?(KiB|MiB|s|) \|", text, re.MULTILINE)
    assert {name: int(value) * units[unit] for name, value, unit in rows} == DEFAULT_LIMITS._asdict()
