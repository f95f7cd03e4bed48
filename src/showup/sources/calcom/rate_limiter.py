"""Limits the calls to Cal.com's API per key and minute, for all concurrent callers."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from showup.clock import Clock

# Cal.com allows 120; the rest is for other programs with the same key, and for calls that arrive closer together.
CALLS_PER_MINUTE: Final = 110
_MINUTE: Final = timedelta(minutes=1)
# A longer block is checked in between, because the response may have meant another limit.
_MAX_BLOCK: Final = timedelta(minutes=2)
_ZERO: Final = timedelta(0)


class CallWindow:
    """The calls of the last minute, as plain data: no method waits."""

    def __init__(self, per_minute: int) -> None:
        self._calls: deque[datetime] = deque(maxlen=per_minute)
        self._blocked_until: datetime | None = None

    def wait_time(self, now: datetime) -> timedelta:
        """Returns the time until the next call may be made; zero if at once."""
        self._correct_clock(now)
        moments = [] if self._blocked_until is None else [self._blocked_until]
        if len(self._calls) == self._calls.maxlen:
            moments.append(self._calls[0] + _MINUTE)
        return max([_ZERO, *(moment - now for moment in moments)])

    def record_call(self, now: datetime) -> None:
        """Records a call at this time."""
        self._calls.append(now)

    def block_until(self, until: datetime, now: datetime) -> None:
        """Blocks calls until then; an earlier, longer block remains."""
        blocked_until = until if self._blocked_until is None else max(until, self._blocked_until)
        self._blocked_until = min(blocked_until, now + _MAX_BLOCK)

    def _correct_clock(self, now: datetime) -> None:
        """Corrects recorded times after the clock was set back, so that no caller waits too long."""
        if self._blocked_until is not None:
            self._blocked_until = None if self._blocked_until <= now else min(self._blocked_until, now + _MAX_BLOCK)
        if self._calls and self._calls[-1] > now:
            self._calls = deque((min(moment, now) for moment in self._calls), maxlen=self._calls.maxlen)


class RateLimiter:
    """Allows a fixed number of calls per minute, in the order of the requests.

    One key has one limiter, which all callers with the key share. `pause` waits for some seconds of the same clock.
    """

    def __init__(
        self,
        clock: Clock,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        *,
        per_minute: int = CALLS_PER_MINUTE,
    ) -> None:
        self._clock = clock
        self._pause = pause
        self._window = CallWindow(per_minute)
        self._lock = asyncio.Lock()

    async def acquire(self) -> None:
        """Waits until one call may be made, and counts it."""
        async with self._lock:
            while (seconds := self._window.wait_time(self._clock()).total_seconds()) > 0:
                await self._pause(seconds)
            self._window.record_call(self._clock())

    def block_until(self, until: datetime) -> None:
        """Blocks calls until then, for at most two minutes: Cal.com said that it accepts none."""
        self._window.block_until(until, self._clock())
