"""One web process, as measured: `python -m benchmarks.servers ours|usual|floor|asgi-floor FD DATABASE_URL`.

All of them run on the same server with the same settings, those of `showup serve`. *ours* and *floor* take webhooks on
Showup's own connections, *usual* and *asgi-floor* on uvicorn's.
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

from benchmarks.bodies import SECRET
from benchmarks.children import ready
from benchmarks.usual import usual_app
from showup.access.directory import AccountDirectory
from showup.access.secrets_at_rest import Seal
from showup.clock import system_clock
from showup.database.engine import connect
from showup.inbox.keep import Keeper
from showup.inbox.raw_event import Incoming
from showup.sources.calcom.signature import is_signed
from showup.web.answers import Answer, Dialect, refusal, written
from showup.web.connection import connections_to
from showup.web.every_answer import completed
from showup.web.webhooks import WebhookDoor

# As long as what the door answers, with the id of an event.
_ACCEPTED = Answer(status=200, body={"status": "accepted", "id": "00000000-0000-0000-0000-000000000000"})
_ANSWER = written(_ACCEPTED)[1]
_SECRETS = (SECRET.encode(),)


class Nobody:
    """Neither accounts nor a keeper, where none is asked."""

    async def find(self, _name: str | None) -> NoReturn:
        """No account is looked up."""
        raise NotImplementedError

    async def keep(self, _incoming: Incoming) -> NoReturn:
        """Nothing is kept."""
        raise NotImplementedError


class Floor(WebhookDoor):
    """Showup's door with nothing behind it."""

    def __init__(self) -> None:
        super().__init__(Nobody(), Nobody(), system_clock, nothing_else)

    async def received(self, _scope: Scope, headers: Mapping[bytes, bytes], body: bytes, _dialect: Dialect) -> Answer:
        """The signature is checked, and that is all."""
        signature = headers.get(b"x-cal-signature-256")
        return _ACCEPTED if is_signed(body, signature, _SECRETS) else refusal("bad-signature")


async def asgi_floor(scope: Scope, receive: Receive, send: Send) -> None:
    """The least that a door can do: read the body, check the signature, answer."""
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


async def nothing_else(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Behind the door there is no application here."""
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def _ours(fd: int, url: str) -> None:
    engine = connect(url)
    directory = AccountDirectory(engine, Seal(["benchmarks"]), system_clock, default_secrets=[SECRET])
    keeper = Keeper(engine)
    keeping = asyncio.create_task(keeper.run())
    door = WebhookDoor(directory, keeper, system_clock, fallback=nothing_else)
    await _serve(completed(door, cors_origins=()), fd, connections_to(door, []))
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    await engine.dispose()


async def _usual(fd: int, url: str) -> None:
    await _serve(await usual_app(url, SECRET.encode()), fd)


async def _floor(fd: int, _url: str) -> None:
    await _serve(nothing_else, fd, connections_to(Floor(), []))


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
    uvloop.run({"ours": _ours, "usual": _usual, "floor": _floor, "asgi-floor": _asgi_floor}[kind](int(fd), url))


if __name__ == "__main__":
    main()
