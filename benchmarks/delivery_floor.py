"""The floor of deliveries: `python -m benchmarks.delivery_floor URL COUNT AT_ONCE` only makes the same calls.

It prints a line when it has started, and then its seconds and its processor time as one line of JSON.
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
from showup.destinations import vendor_api
from showup.destinations.contract import Delivered
from showup.destinations.email.client import Resend
from showup.destinations.email.destination import Mail

# As long as a rendered reminder.
_MAIL = Mail(
    sender="Outbound <meetings@outbound.example>",
    to="Lead <lead@customer.example>",
    subject="Reminder: Intro call",
    html="<p>" + "x" * 6_000 + "</p>",
    text="x" * 800,
)
_WARM = 50


class CallResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result; refused calls make it invalid."""

    seconds: float
    cpu_seconds: float
    refused_count: int


async def _call(url: str, count: int, at_once: int) -> CallResult:
    async with vendor_api.client(version("showup")) as client:
        resend = Resend(client, url=url, key="a key", clock=system_clock)
        await _all(resend, _WARM, at_once)
        started_at, cpu_before = perf_counter(), process_time()
        refused_count = await _all(resend, count, at_once)
        return CallResult(
            seconds=perf_counter() - started_at, cpu_seconds=process_time() - cpu_before, refused_count=refused_count
        )


async def _all(resend: Resend, count: int, at_once: int) -> int:
    remaining = iter(range(count))
    return sum(await asyncio.gather(*(_call_sequentially(resend, remaining) for _ in range(at_once))))


async def _call_sequentially(resend: Resend, remaining: Iterator[int]) -> int:
    refused_count = 0
    for _ in remaining:
        refused_count += not isinstance(await resend.send(uuid4(), _MAIL), Delivered)
    return refused_count


async def _run(url: str, count: int, at_once: int) -> None:
    ready()
    print(msgspec.json.encode(await _call(url, count, at_once)).decode(), flush=True)


def main() -> None:
    """Make the calls, and print the result."""
    url, count, at_once = sys.argv[1:]
    uvloop.run(_run(url, int(count), int(at_once)))


if __name__ == "__main__":
    main()
