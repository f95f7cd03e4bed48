"""IN3, IN7: webhooks take a fast path through the server, which responds like the normal one and can't be blocked."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import NoReturn
from uuid import UUID, uuid4

import httpx2
import pytest
from structlog.testing import capture_logs

from showup.access.account import Account
from showup.clock import system_clock
from showup.inbox.inbox_event import IncomingEvent, Stored
from showup.sources.calcom.signature import sign
from showup.web.http.connection_limits import ConnectionLimits
from showup.web.webhooks.calcom import WebhookEndpoint
from tests.ingest.conftest import SECRET, WebhookSender, not_found_app, serve_endpoint

EMAIL = "ann@acme.example"
BODY = b'{"triggerEvent":"PING","payload":{}}'
SIGNATURE = sign(SECRET.encode(), BODY).encode()
REQUEST_TEMPLATE = b"POST %b HTTP/1.1\r\nHost: x\r\nX-Cal-Signature-256: %b\r\nContent-Length: %d\r\n\r\n"
# A query makes the server handle a webhook on its normal path.
ODD_QUERY = "?odd=1"


def build_request(body: bytes = BODY, path: bytes = b"/webhooks/calcom") -> bytes:
    return REQUEST_TEMPLATE % (path, sign(SECRET.encode(), body).encode(), len(body)) + body


class BlockingStore:
    """Stores nothing until it is released."""

    def __init__(self) -> None:
        self.stored: list[IncomingEvent] = []
        self.called = asyncio.Event()
        self.released = asyncio.Event()

    async def store(self, incoming: IncomingEvent) -> Stored:
        self.stored.append(incoming)
        self.called.set()
        await self.released.wait()
        return Stored(id=uuid4())


class FailingStore:
    async def store(self, _incoming: IncomingEvent) -> NoReturn:
        raise ValueError(EMAIL)


class SingleAccount:
    """Finds one account for every name, with the secret SECRET."""

    async def find(self, _name: str | None, *, is_second_try: bool = False) -> Account:  # noqa: ARG002
        zero = UUID(int=0)
        return Account(id=zero, name="default", workspace_id=zero, secrets=(SECRET.encode(),), has_routes=False)


async def read_response(reader: asyncio.StreamReader) -> bytes:
    """Read one complete response."""
    head = await reader.readuntil(b"\r\n\r\n")
    declared = re.search(rb"content-length: (\d+)", head)
    return head + await reader.readexactly(int(declared[1]) if declared else 0)


@pytest.fixture
def blocking_store() -> BlockingStore:
    return BlockingStore()


@pytest.fixture
async def port(blocking_store: BlockingStore) -> AsyncIterator[int]:
    endpoint = WebhookEndpoint(SingleAccount(), blocking_store, system_clock, fallback=not_found_app)
    async with serve_endpoint(endpoint, limits=ConnectionLimits(receive_seconds=0.2)) as port:
        yield port


@pytest.mark.parametrize("path", ["/webhooks/calcom", "/webhooks/calcom/bare", "/webhooks/calcom/nobody"])
@pytest.mark.parametrize("secret", [SECRET, "another"])
async def test_both_paths_give_the_same_response(sender: WebhookSender, path: str, secret: str) -> None:
    first = await sender.send(BODY, path=path, secret=secret)
    plain, odd = [await sender.send(BODY, path=path + query, secret=secret) for query in ("", ODD_QUERY)]
    assert (plain.status_code, plain.json()) == (odd.status_code, odd.json())
    assert dict(plain.headers) | {"date": ""} == dict(odd.headers) | {"date": ""}
    assert first.headers["x-content-type-options"] == "nosniff"


async def test_both_paths_store_the_same(sender: WebhookSender) -> None:
    sent = {"X-Cal-Webhook-Version": "2021-10-20"}
    for query in ("", ODD_QUERY):
        assert (await sender.send(BODY + query.encode(), path=f"/webhooks/calcom{query}", **sent)).status_code == 200
    metadata = [(row["source_address"], row["content_type"], row["webhook_version"]) for row in await sender.stored()]
    assert metadata == [("127.0.0.1", "application/json", "2021-10-20")] * 2


async def test_pipelined_requests_are_answered_in_order(sender: WebhookSender) -> None:
    reader, writer = await asyncio.open_connection(sender.client.base_url.host, sender.client.base_url.port)
    queries = ("", "?odd=1", "/bare", "/nobody", "")
    paths = [f"/webhooks/calcom{query}".encode() for query in queries]
    writer.write(b"".join(build_request(BODY + b" " * number, path) for number, path in enumerate(paths)))
    statuses = [(await read_response(reader)).split()[1] for _ in paths]
    assert statuses == [b"200", b"200", b"503", b"401", b"200"]
    assert len(await sender.stored()) == 3
    writer.close()


async def test_a_chunked_head_or_body_is_reassembled(sender: WebhookSender) -> None:
    reader, writer = await asyncio.open_connection(sender.client.base_url.host, sender.client.base_url.port)
    complete_request = build_request()
    for piece in (complete_request[:5], complete_request[5:60], complete_request[60:-4], complete_request[-4:]):
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)
    assert (await read_response(reader)).startswith(b"HTTP/1.1 200 ")
    writer.close()


@pytest.mark.parametrize(
    "sent", [b"", b"POST /webh", build_request()[:-4], build_request(path=b"/webhooks/calcom?odd=1")[:-4]]
)
async def test_an_unfinished_request_times_out(port: int, sent: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    assert (await read_response(reader)).startswith(b"HTTP/1.1 408 ")
    writer.close()


@pytest.mark.parametrize("rest", [b"", b"b" * 10])
async def test_a_response_before_its_body_says_that_the_connection_closes(port: int, rest: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n" + rest)
    response = await read_response(reader)
    assert response.startswith(b"HTTP/1.1 404 ")
    assert response.lower().count(b"\r\nconnection: close\r\n") == (not rest)
    writer.write(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
    # Closed without a reset, which could destroy a response that the client has not read.
    assert (await reader.read(1) == b"") == (not rest)
    writer.close()


async def test_a_request_waiting_for_its_commit_is_not_timed_out(port: int, blocking_store: BlockingStore) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(build_request())
    await blocking_store.called.wait()
    slow, other = await asyncio.open_connection("127.0.0.1", port)
    await read_response(slow)
    blocking_store.released.set()
    assert (await read_response(reader)).startswith(b"HTTP/1.1 200 ")
    writer.close()
    other.close()


async def test_the_response_waits_for_the_commit(port: int, blocking_store: BlockingStore) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(build_request())
    await blocking_store.called.wait()
    assert [event.body for event in blocking_store.stored] == [BODY]
    reading = asyncio.create_task(read_response(reader))
    await asyncio.sleep(0)
    assert not reading.done()
    blocking_store.released.set()
    assert (await reading).startswith(b"HTTP/1.1 200 ")
    writer.close()


async def test_unfinished_bodies_are_limited_and_complete_ones_pass(blocking_store: BlockingStore) -> None:
    blocking_store.released.set()
    count = 10
    # All bodies but the last byte of each: one more than fits.
    limits = ConnectionLimits(incoming_bytes=count * (len(BODY) - 1))
    endpoint = WebhookEndpoint(SingleAccount(), blocking_store, system_clock, fallback=not_found_app)
    async with serve_endpoint(endpoint, limits=limits) as port:
        unfinished = [await asyncio.open_connection("127.0.0.1", port) for _ in range(count + 1)]
        responses = [asyncio.create_task(read_response(reader)) for reader, _ in unfinished]
        for _, writer in unfinished:
            writer.write(build_request()[:-1])
        (first,), waiting = await asyncio.wait(responses, return_when=asyncio.FIRST_COMPLETED)
        assert first.result().startswith(b"HTTP/1.1 503 ")
        assert b"retry-after" in first.result()
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            complete = await client.post("/webhooks/calcom", content=BODY, headers={b"X-Cal-Signature-256": SIGNATURE})
        assert complete.status_code == 200
        for _, writer in unfinished:
            writer.write(build_request()[-1:])
        done = [result.result() for result in (await asyncio.wait(waiting))[0]]
        assert {result.split()[1] for result in done} == {b"200"}
        assert len(done) == count
        for _, writer in unfinished:
            writer.close()


@pytest.mark.parametrize(("proxies", "seen"), [(["127.0.0.1"], "192.0.2.7"), ([], "127.0.0.1")])
@pytest.mark.parametrize("query", ["", ODD_QUERY])
async def test_the_client_address_is_taken_from_trusted_proxies_only(
    blocking_store: BlockingStore, proxies: list[str], seen: str, query: str
) -> None:
    blocking_store.released.set()
    headers = {b"X-Cal-Signature-256": SIGNATURE, b"X-Forwarded-For": b"192.0.2.7"}
    endpoint = WebhookEndpoint(SingleAccount(), blocking_store, system_clock, fallback=not_found_app)
    async with (
        serve_endpoint(endpoint, proxies) as port,
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        await client.post(f"/webhooks/calcom{query}", content=BODY, headers=headers)
    assert [event.source_address for event in blocking_store.stored] == [seen]


@pytest.mark.parametrize("query", ["", ODD_QUERY])
async def test_a_fault_is_answered_and_logged_without_its_text(query: str) -> None:
    endpoint = WebhookEndpoint(SingleAccount(), FailingStore(), system_clock, fallback=not_found_app)
    with capture_logs() as logged:
        async with serve_endpoint(endpoint) as port, httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            sent = {b"X-Cal-Signature-256": SIGNATURE}
            response = await client.post(f"/webhooks/calcom{query}", content=BODY, headers=sent)
    assert (response.status_code, response.json()["type"]) == (500, "urn:showup:problem:fault")
    assert [(line["fault"], line["path"]) for line in logged] == [("ValueError", "/webhooks/calcom")]
    assert EMAIL not in str(logged)


async def test_shutdown_answers_finished_requests_and_closes_the_others(blocking_store: BlockingStore) -> None:
    endpoint = WebhookEndpoint(SingleAccount(), blocking_store, system_clock, fallback=not_found_app)
    async with serve_endpoint(endpoint) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(build_request())
        await blocking_store.called.wait()
    assert await reader.read() == b""
    writer.close()
