"""What time it is, as an argument: a test or a replay hands its own `Clock` to whoever needs the time; and waiting."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]
"""Called with nothing, answers the present moment as an aware datetime in UTC."""


def system_clock() -> datetime:
    """This machine's time: aware, in UTC, with microseconds."""
    return datetime.now(UTC)


async def happened(event: asyncio.Event, within: float) -> bool:
    """Whether the event is set now or in the next `within` seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            await event.wait()
    return event.is_set()
