"""Provides the current time as an argument, so that a test or a replay can pass its own `Clock`; and timed waiting."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]
"""A function without arguments that returns the current time as an aware datetime in UTC."""


def system_clock() -> datetime:
    """Returns this machine's time: aware, in UTC, with microseconds."""
    return datetime.now(UTC)


async def wait_until_set(event: asyncio.Event, seconds: float) -> bool:
    """Returns whether the event is set now or within the next `seconds` seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
