"""One web process, as measured: `python -m benchmarks.servers showup|api|pages|baseline|floor|asgi-floor FD URL`.

All of them run on the same server with the same settings, those of `showup serve`. *showup* and *floor* receive
webhooks on Showup's own connections, *baseline* and *asgi-floor* on uvicorn's. *api* serves the API without webhooks,
and *pages* too, at the time at which the data of `read_data` end.
"""

import asyncio
import gc
import socket
import sys
from collections.abc import Mapping
from typing import NoReturn

import uvicorn
import uvloop
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from benchmarks.baseline import baseline_app
from benchmarks.bodies import SECRET
from benchmarks.children import ready
from benchmarks.read_data import NOW
from showup.access.directory import AccountDirectory
from showup.access.secrets_at_rest import Seal
from showup.clock import Clock, system_clock
from showup.container import event_handlers
from showup.database.engine import connect
from showup.inbox.inbox_event import IncomingEvent
from showup.inbox.ingest_writer import IngestWriter
from showup.sources.calcom.signature import is_signed
from showup.web.app import create_app
from showup.web.http.middleware import with_middleware
from showup.web.webhooks.calcom import WebhookEndpoint
from showup.web.webhooks.calcom_protocol import protocol_for
from showup.web.webhooks.calcom_responses import ResponseFormat, WebhookResponse, encode_response, refusal_response

# As long as the webhook endpoint's response with the id of an event.
_ACCEPTED = WebhookResponse(status=200, body={"status": "accepted", "id": "00000000-0000-0000-0000-000000000000"})
_ANSWER = encode_response(_ACCEPTED)[1]
_SECRETS = (SECRET.encode(),)
API_KEY = "k" * 40


class NullBackend:
    """Replaces the accounts and the ingest writer where they are not used."""

    async def find(self, _name: str | None, *, is_second_try: bool = False) -> NoReturn:
        """Finds no account."""
        raise NotImplementedError

    async def store(self, _incoming: IncomingEvent) -> NoReturn:
        """Stores nothing."""
        raise NotImplementedError


class FloorEndpoint(WebhookEndpoint):
    """Showup's webhook endpoint without accounts and storage."""

    def __init__(self) -> None:
        super().__init__(NullBackend(), NullBackend(), system_clock, not_found)

    async def handle_webhook(
        self, _scope: Scope, headers: Mapping[bytes, bytes], body: bytes, _response_format: ResponseFormat
    ) -> WebhookResponse:
        """Checks the signature only."""
        signature = headers.get(b"x-cal-signature-256")
        return _ACCEPTED if is_signed(body, signature, _SECRETS) else refusal_response("bad-signature")


async def asgi_floor(scope: Scope, receive: Receive, send: Send) -> None:
    """The least that a webhook endpoint can do: read the body, check the signature, respond."""
    chunks: list[bytes] = []
    more = True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    signature = dict(scope["headers"]).get(b"x-cal-signature-256")
    status = 200 if is_signed(b"".join(chunks), signature, _SECRETS) else 401
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(_ANSWER)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": _ANSWER})


async def not_found(_scope: Scope, _receive: Receive, send: Send) -> None:
    """The application that other requests would reach; there is none."""
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def _showup(fd: int, url: str) -> None:
    engine = connect(url)
    directory = AccountDirectory(engine, Seal(["benchmarks"]), system_clock, default_secrets=[SECRET])
    ingest_writer = IngestWriter(engine)
    writer_task = asyncio.create_task(ingest_writer.run())
    endpoint = WebhookEndpoint(directory, ingest_writer, system_clock, fallback=not_found)
    await _serve(with_middleware(endpoint, cors_origins=()), fd, protocol_for(endpoint, []))
    writer_task.cancel()
    await asyncio.gather(writer_task, return_exceptions=True)
    await engine.dispose()


async def _pages(fd: int, url: str) -> None:
    await _api(fd, url, clock=lambda: NOW)


async def _api(fd: int, url: str, clock: Clock = system_clock) -> None:
    engine = connect(url)
    app = create_app(engine=engine, clock=clock, admin_key=API_KEY, version="0", event_handlers=event_handlers())
    await _serve(with_middleware(app, cors_origins=()), fd)
    await engine.dispose()


async def _baseline(fd: int, url: str) -> None:
    await _serve(await baseline_app(url, SECRET.encode()), fd)


async def _floor(fd: int, _url: str) -> None:
    await _serve(not_found, fd, protocol_for(FloorEndpoint(), []))


async def _asgi_floor(fd: int, _url: str) -> None:
    await _serve(asgi_floor, fd)


async def _serve(app: ASGIApp, fd: int, connections: type[HttpToolsProtocol] = HttpToolsProtocol) -> None:
    configuration = uvicorn.Config(
        app,
        lifespan="off",
        loop="uvloop",
        http=connections,
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )
    gc.collect()
    gc.freeze()
    ready()
    await uvicorn.Server(configuration).serve([socket.socket(fileno=fd)])


def main() -> None:
    """Serve until SIGTERM."""
    kind, fd, url = sys.argv[1:]
    serve = {
        "showup": _showup,
        "api": _api,
        "pages": _pages,
        "baseline": _baseline,
        "floor": _floor,
        "asgi-floor": _asgi_floor,
    }[kind]
    uvloop.run(serve(int(fd), url))


if __name__ == "__main__":
    main()
