"""One web process, as measured: `python -m benchmarks.servers ours|usual|floor FD DATABASE_URL`.

All three run on the same server with the same settings, those of `showup serve`.
"""

import asyncio
import socket
import sys

import uvicorn
import uvloop
from starlette.types import ASGIApp, Receive, Scope, Send

from benchmarks.bodies import SECRET
from benchmarks.children import ready
from benchmarks.usual import usual_app
from showup.access.directory import AccountDirectory
from showup.access.secrets_at_rest import Seal
from showup.clock import system_clock
from showup.database.engine import connect
from showup.inbox.keep import Keeper
from showup.sources.calcom.signature import is_signed
from showup.web.webhooks import WebhookDoor

# As long as what the door answers, with the id of an event.
_ANSWER = b'{"status":"accepted","id":"00000000-0000-0000-0000-000000000000"}'


async def floor(scope: Scope, receive: Receive, send: Send) -> None:
    """The least that a door can do: read the body, check the signature, answer."""
    chunks: list[bytes] = []
    more = True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    signature = dict(scope["headers"]).get(b"x-cal-signature-256")
    status = 200 if is_signed(b"".join(chunks), signature, [SECRET.encode()]) else 401
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
    await _serve(WebhookDoor(directory, keeper, system_clock, fallback=nothing_else), fd)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    await engine.dispose()


async def _usual(fd: int, url: str) -> None:
    await _serve(await usual_app(url, SECRET.encode()), fd)


async def _floor(fd: int, _url: str) -> None:
    await _serve(floor, fd)


async def _serve(app: ASGIApp, fd: int) -> None:
    configuration = uvicorn.Config(
        app,
        lifespan="off",
        loop="uvloop",
        http="httptools",
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )
    ready()
    await uvicorn.Server(configuration).serve([socket.socket(fileno=fd)])


def main() -> None:
    """Serve until SIGTERM."""
    kind, fd, url = sys.argv[1:]
    uvloop.run({"ours": _ours, "usual": _usual, "floor": _floor}[kind](int(fd), url))


if __name__ == "__main__":
    main()
