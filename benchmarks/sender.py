"""For machines without wrk: `python -m benchmarks.sender PORT FILE CONNECTIONS SECONDS` prints what `load` reads.

Raw sockets, one request at a time on each: what it costs itself is taken from the server on the same cores.
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


class Connection(asyncio.Protocol):
    """Sends, waits for the answer, sends the next; `gone` is done when it has stopped."""

    def __init__(self, requests: Iterator[bytes], until: float) -> None:
        self.took: list[float] = []
        self.errors = 0
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
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
        head, blank, body = self._read.partition(b"\r\n\r\n")
        if not blank or len(body) < _length(head):
            return
        self.took.append(perf_counter() - self._sent_at)
        self.errors += not head.startswith(b"HTTP/1.1 2")
        if perf_counter() < self._until:
            self._send()
        else:
            self._read = b""
            self._sent_at = 0.0
            self._transport.close()

    def connection_lost(self, _fault: Exception | None) -> None:
        self.errors += self._sent_at > 0
        self.gone.set_result(None)

    def _send(self) -> None:
        self._read = b""
        self._sent_at = perf_counter()
        self._transport.write(next(self._requests))


async def send(port: int, bodies: Path, connections: int, seconds: float) -> Answered:
    """The load, until its time is over and every answer is there."""
    requests = _requests(bodies)
    begun = perf_counter()
    made: list[Connection] = []
    for _ in range(connections):
        _, one = await asyncio.get_running_loop().create_connection(
            lambda: Connection(requests, begun + seconds), "127.0.0.1", port
        )
        made.append(one)
    # An answer that never comes is an error, as it is to wrk.
    _, hanging = await asyncio.wait([one.gone for one in made], timeout=seconds + _PATIENT_FOR)
    took = sorted(one for each in made for one in each.took) or [0.0]
    return Answered(
        answered=sum(len(one.took) for one in made),
        errors=sum(one.errors for one in made) + len(hanging),
        seconds=perf_counter() - begun,
        p50_ms=took[len(took) // 2] * 1000,
        p99_ms=took[len(took) * 99 // 100] * 1000,
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
