"""S12: bytes that are not HTTP get a problem+json, and fill no log."""

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from showup.clock import system_clock
from showup.web.limited_log import LINES_PER_MINUTE
from showup.web.webhooks.calcom import WebhookEndpoint
from tests.ingest.conftest import not_found_app, serve_endpoint
from tests.ingest.test_webhook_protocol import BlockingStore, SingleAccount, read_response

INVALID = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS to a port without TLS
    b"NO SUCH THING\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
    b"GET / HTTP/1.1\r\nX: a\x00b\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"POST /webhooks/calcom HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n",
]


def endpoint() -> WebhookEndpoint:
    return WebhookEndpoint(SingleAccount(), BlockingStore(), system_clock, fallback=not_found_app)


async def answer_to(port: int, sent: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        async with asyncio.timeout(20):
            response = await read_response(reader)
            assert await reader.read() == b""
            return response
    finally:
        writer.close()


@pytest.mark.parametrize("sent", INVALID)
async def test_s12_an_invalid_request_gets_a_problem(sent: bytes) -> None:
    async with serve_endpoint(endpoint()) as port:
        head, _, body = (await answer_to(port, sent)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/problem+json" in head
    assert b"x-content-type-options: nosniff" in head
    assert json.loads(body)["status"] == 400


async def test_s12_a_valid_request_before_it_is_answered() -> None:
    async with serve_endpoint(endpoint()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /any HTTP/1.1\r\nHost: x\r\n\r\n" + INVALID[1])
        received = await reader.read()
        writer.close()
    assert received.startswith(b"HTTP/1.1 404 ")
    assert b"HTTP/1.1 400 " in received


@settings(max_examples=10, deadline=None)
@given(st.lists(st.sampled_from(INVALID), min_size=LINES_PER_MINUTE + 1, max_size=3 * LINES_PER_MINUTE))
def test_s12_invalid_requests_write_few_lines(all_sent: list[bytes]) -> None:
    async def send_all() -> None:
        async with serve_endpoint(endpoint()) as port:
            for sent in all_sent:
                await answer_to(port, sent)

    with capture_logs() as logs:
        asyncio.run(send_all())
    assert [line["event"] for line in logs] == ["invalid HTTP request"] * LINES_PER_MINUTE
