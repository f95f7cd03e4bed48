"""How many calls of Cal.com's API one key makes in a minute: fewer than it may, however many ask at once."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from showup.clock import Clock

# They allow 120; the rest is for whatever else uses the same key, and for calls that arrive closer than they left.
MOST: Final = 110
_MINUTE: Final = timedelta(minutes=1)
# A longer hold is asked about in between: whoever said it may have meant another limit.
_LONGEST_HOLD: Final = timedelta(minutes=2)
_NONE: Final = timedelta(0)


class Window:
    """The calls of the last minute, as plain data: nothing in here waits."""

    def __init__(self, most: int) -> None:
        self._made: deque[datetime] = deque(maxlen=most)
        self._held_until: datetime | None = None

    def wait(self, now: datetime) -> timedelta:
        """How long until one more call may be made; zero for at once."""
        self._forget_the_future(now)
        moments = [] if self._held_until is None else [self._held_until]
        if len(self._made) == self._made.maxlen:
            moments.append(self._made[0] + _MINUTE)
        return max([_NONE, *(moment - now for moment in moments)])

    def make(self, now: datetime) -> None:
        """One call is made now."""
        self._made.append(now)

    def hold(self, until: datetime, now: datetime) -> None:
        """No call before then, nor before what was held before."""
        held = until if self._held_until is None else max(until, self._held_until)
        self._held_until = min(held, now + _LONGEST_HOLD)

    def _forget_the_future(self, now: datetime) -> None:
        """A clock that was set back makes nobody wait for longer than one that was not."""
        if self._held_until is not None:
            self._held_until = None if self._held_until <= now else min(self._held_until, now + _LONGEST_HOLD)
        if self._made and self._made[-1] > now:
            self._made = deque((min(moment, now) for moment in self._made), maxlen=self._made.maxlen)


class Budget:
    """At most `most` calls in any minute of the clock, in the order in which they were asked for.

    One key has one: whoever calls with the same key shares it. `pause` waits for some seconds of the same clock.
    """

    def __init__(
        self, clock: Clock, pause: Callable[[float], Awaitable[None]] = asyncio.sleep, *, most: int = MOST
    ) -> None:
        self._clock = clock
        self._pause = pause
        self._window = Window(most)
        self._turn = asyncio.Lock()

    async def spend(self) -> None:
        """Returns when one call may be made, and counts it."""
        async with self._turn:
            while (wait := self._window.wait(self._clock()).total_seconds()) > 0:
                await self._pause(wait)
            self._window.make(self._clock())

    def hold(self, until: datetime) -> None:
        """No call before then, for at most two minutes: Cal.com said that it takes none."""
        self._window.hold(until, self._clock())
