"""The floor of telling: `python -m benchmarks.calling URL COUNT AT_ONCE` makes the same calls, and does nothing else.

It prints when it has begun, and then its seconds and its processor time as one line of JSON.
"""

import asyncio
import sys
from collections.abc import Iterator
from importlib.metadata import version
from time import perf_counter, process_time
from uuid import uuid4

import msgspec
import uvloop

from benchmarks.children import ready
from showup.clock import system_clock
from showup.destinations import wire
from showup.destinations.contract import Delivered
from showup.destinations.email.mail import Mail
from showup.destinations.email.resend import Resend

# As long as what the templates make of a reminder.
_MAIL = Mail(
    sender="Outbound <meetings@outbound.example>",
    to="Lead <lead@customer.example>",
    subject="Reminder: Intro call",
    html="<p>" + "x" * 6_000 + "</p>",
    text="x" * 800,
)
_WARM = 50


class Called(msgspec.Struct, frozen=True, kw_only=True):
    """What it took; `refused` calls make it worthless."""

    seconds: float
    cpu_seconds: float
    refused: int


async def _call(url: str, count: int, at_once: int) -> Called:
    async with wire.client(version("showup")) as client:
        far = Resend(client, url=url, key="a key", clock=system_clock)
        await _all(far, _WARM, at_once)
        begun, used = perf_counter(), process_time()
        refused = await _all(far, count, at_once)
        return Called(seconds=perf_counter() - begun, cpu_seconds=process_time() - used, refused=refused)


async def _all(far: Resend, count: int, at_once: int) -> int:
    left = iter(range(count))
    return sum(await asyncio.gather(*(_one_after_another(far, left) for _ in range(at_once))))


async def _one_after_another(far: Resend, left: Iterator[int]) -> int:
    refused = 0
    for _ in left:
        refused += not isinstance(await far.send(uuid4(), _MAIL), Delivered)
    return refused


async def _run(url: str, count: int, at_once: int) -> None:
    ready()
    print(msgspec.json.encode(await _call(url, count, at_once)).decode(), flush=True)


def main() -> None:
    """Call, and tell what it took."""
    url, count, at_once = sys.argv[1:]
    uvloop.run(_run(url, int(count), int(at_once)))


if __name__ == "__main__":
    main()
