"""A mail provider that accepts everything at once: `python -m benchmarks.fake_provider FD`.

It answers POST as Resend does, without errors and limits. GET /count returns the number of accepted mails, GET /
returns an `Arrival` for each, as JSON.
"""

import asyncio
import socket
import sys
from time import time
from typing import cast

import httpx2
import msgspec
import uvloop

from benchmarks.children import ready

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
_ACCEPTED = b'{"id":"00000000-0000-0000-0000-000000000000"}'


class Arrival(msgspec.Struct, frozen=True):
    """The delivery, and when its mail arrived: seconds since 1970, by the clock that all processes share."""

    delivery_id: str
    at: float


class ProviderConnection(asyncio.Protocol):
    """One connection, one request at a time; all connections share `arrivals`."""

    def __init__(self, arrivals: list[Arrival]) -> None:
        self._arrivals = arrivals
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports don't inherit from asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, separator, body = self._read.partition(b"\r\n\r\n")
        if not separator:
            return
        headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        if len(body) < int(headers.get(b"content-length", b"0")):
            return
        self._read = b""
        if head.startswith(b"POST"):
            self._arrivals.append(Arrival(headers[b"idempotency-key"].decode(), time()))
            self._answer(_ACCEPTED)
        else:
            payload = len(self._arrivals) if head.startswith(b"GET /count") else self._arrivals
            self._answer(msgspec.json.encode(payload))

    def _answer(self, body: bytes) -> None:
        self._transport.write(_HEAD % len(body) + body)


async def arrival_count(url: str) -> int:
    """Returns how many mails the provider at `url` has accepted."""
    async with httpx2.AsyncClient() as client:
        return msgspec.json.decode((await client.get(f"{url}/count")).content, type=int)


async def list_arrivals(url: str) -> list[Arrival]:
    """Returns the mails that the provider at `url` has accepted, in the order of arrival."""
    async with httpx2.AsyncClient() as client:
        return msgspec.json.decode((await client.get(url)).content, type=list[Arrival])


async def _serve(fd: int) -> None:
    arrivals: list[Arrival] = []
    server = await asyncio.get_running_loop().create_server(
        lambda: ProviderConnection(arrivals), sock=socket.socket(fileno=fd)
    )
    ready()
    await server.serve_forever()


def main() -> None:
    """Accept mails until SIGTERM."""
    uvloop.run(_serve(int(sys.argv[1])))


if __name__ == "__main__":
    main()
