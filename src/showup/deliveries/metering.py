"""Calls counted against a destination's limit, where one delivery takes several: all processes take from one lane."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import Clock
from showup.database.engine import raw, transaction
from showup.deliveries import lane_store
from showup.deliveries.delivery import Lane
from showup.deliveries.pausing import refilled
from showup.destinations.contract import Pace
from showup.destinations.kind import OverLimit

_PATIENCE: Final = timedelta(seconds=10)


class LaneMeter:
    """One lane's. A call is paid for when it is announced, even if its token has still to grow."""

    def __init__(
        self,
        engine: AsyncEngine,
        lane: Lane,
        pace: Pace,
        clock: Clock,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._engine = engine
        self._lane = lane
        self._pace = pace
        self._clock = clock
        self._pause = pause

    async def take(self, calls: int = 1) -> None:
        """Returns when so many more calls may be made. Raises OverLimit when that is too long to wait for."""
        async with transaction(self._engine) as tx:
            connection = await raw(tx)
            held = await lane_store.hold(connection, self._lane, self._pace, self._clock())
            now = self._clock()
            state = refilled(held, self._pace, now)
            wait = timedelta(seconds=max(0.0, calls - state.tokens) / self._pace.rate_per_second)
            if wait > _PATIENCE:
                raise OverLimit(now + wait)
            await lane_store.save(connection, self._lane, replace(state, tokens=state.tokens - calls))
        if wait:
            await self._pause(wait.total_seconds())
