"""For machines without wrk: `python -m benchmarks.sender PORT FILE CONNECTIONS SECONDS` prints what `load` reads.

It uses raw sockets with one request at a time on each. Its own cost is taken from the server on the same cores.
"""

import asyncio
import sys
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from time import perf_counter
from typing import cast

import msgspec
import uvloop

from benchmarks.load import Answered

_PATIENT_FOR = 5.0
_HEAD = (
    b"POST /webhooks/calcom HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"X-Cal-Signature-256: %b\r\nContent-Length: %d\r\n\r\n"
)


class LoadConnection(asyncio.Protocol):
    """Sends a request, waits for the response, sends the next; `closed` is done when it has stopped."""

    def __init__(self, requests: Iterator[bytes], until: float) -> None:
        self.latencies: list[float] = []
        self.errors = 0
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._until = until
        self._read = b""
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports don't inherit from asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, separator, body = self._read.partition(b"\r\n\r\n")
        if not separator or len(body) < _length(head):
            return
        self.latencies.append(perf_counter() - self._sent_at)
        self.errors += not head.startswith(b"HTTP/1.1 2")
        if perf_counter() < self._until:
            self._send()
        else:
            self._read = b""
            self._sent_at = 0.0
            self._transport.close()

    def connection_lost(self, _fault: Exception | None) -> None:
        self.errors += self._sent_at > 0
        self.closed.set_result(None)

    def _send(self) -> None:
        self._read = b""
        self._sent_at = perf_counter()
        self._transport.write(next(self._requests))


async def send(port: int, bodies: Path, connections: int, seconds: float) -> Answered:
    """Runs the load until its time is over and every response has arrived."""
    requests = _requests(bodies)
    started_at = perf_counter()
    connections_made: list[LoadConnection] = []
    for _ in range(connections):
        _, connection_or_latency = await asyncio.get_running_loop().create_connection(
            lambda: LoadConnection(requests, started_at + seconds), "127.0.0.1", port
        )
        connections_made.append(connection_or_latency)
    # A missing response is an error, as with wrk.
    _, unanswered = await asyncio.wait(
        [connection_or_latency.closed for connection_or_latency in connections_made], timeout=seconds + _PATIENT_FOR
    )
    latencies = sorted(
        connection_or_latency for connection in connections_made for connection_or_latency in connection.latencies
    ) or [0.0]
    return Answered(
        answered=sum(len(connection_or_latency.latencies) for connection_or_latency in connections_made),
        errors=sum(connection_or_latency.errors for connection_or_latency in connections_made) + len(unanswered),
        seconds=perf_counter() - started_at,
        p50_ms=latencies[len(latencies) // 2] * 1000,
        p99_ms=latencies[len(latencies) * 99 // 100] * 1000,
    )


def _requests(bodies: Path) -> Iterator[bytes]:
    for _ in cycle((None,)):
        with bodies.open("rb") as file:
            for line in file:
                body = line[64:-1]
                yield _HEAD % (line[:64], len(body)) + body


def _length(head: bytes) -> int:
    named = (line.partition(b":") for line in head.lower().split(b"\r\n"))
    return next((int(value) for name, _, value in named if name == b"content-length"), 0)


def main() -> None:
    """Send, and print one line of JSON."""
    port, bodies, connections, seconds = sys.argv[1:]
    answered = uvloop.run(send(int(port), Path(bodies), int(connections), float(seconds)))
    print(msgspec.json.encode(answered).decode())


if __name__ == "__main__":
    main()
